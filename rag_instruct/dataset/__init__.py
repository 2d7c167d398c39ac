"""From pairs to the data set: noise, quality filters, verification, merging, card."""
