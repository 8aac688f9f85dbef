"""The two engines: the same transitions, a crowd at a time or a change at a time."""
