"""Read files, cut documents into passages, and store passages."""
