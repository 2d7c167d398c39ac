"""Measures in bits whether documents help with an answer, and tells from the bits what each document is for."""
