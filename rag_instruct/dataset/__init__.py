"""From pairs to the data set: noise, gates, proof, merging, card."""
