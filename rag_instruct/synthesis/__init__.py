"""Writes pairs of question and answer from exemplars and documents."""
