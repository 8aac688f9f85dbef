"""From a scenario to the state of a night before its first second."""
