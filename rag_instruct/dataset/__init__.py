"""Turns pairs into the data set: noise, quality filters, verification, merging, card."""
