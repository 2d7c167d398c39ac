"""Measures in bits whether documents help with an answer, and finds from the bits what each document is for."""
