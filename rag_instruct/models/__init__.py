"""Models as weights: found, loaded, prompted by their chat template, and run."""
