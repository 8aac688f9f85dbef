"""What a user is told in one sentence."""


class ScenarioError(Exception):
    """A wrong input. Its message is one sentence: the key or file, the value, what is allowed."""


class NotWritten(Exception):
    """A valid run that can't be written. Its message is one sentence: the folder, the reason."""
