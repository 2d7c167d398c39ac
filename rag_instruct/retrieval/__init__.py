"""Retrieval: encode passages and queries, search exactly, and merge the hits into runs."""
