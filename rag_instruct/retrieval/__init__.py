"""Retrieval: search by vectors and by words; merge, fuse, rerank and import runs; find linked documents."""
