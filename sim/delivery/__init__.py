"""The vendor's capacity: who is let in, and how what there is is shared."""
