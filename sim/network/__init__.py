"""The viewer's own link, from classes or from recorded traces."""
