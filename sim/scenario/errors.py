"""The one error a user can cause."""


class ScenarioError(Exception):
    """A wrong input. Its message is one sentence: the key or file, the value, what is allowed."""
