"""One viewer as a state machine: every transition, written once."""
