"""What a reader sees: whole messages by name, one file of them for each language."""
