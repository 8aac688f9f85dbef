"""From the state of a night that is over to its record."""
