"""Reads instruction sets, and chooses the exemplars that questions imitate."""
