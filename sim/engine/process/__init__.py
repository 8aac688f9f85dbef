"""What SimPy changes over time, the same in both engines: capacity, meters, incidents."""
