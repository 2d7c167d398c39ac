"""Computes what a data set will cost, and what it has cost."""
