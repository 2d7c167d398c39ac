"""A data set as one page: what is in it, how it came to be, and its rows to search and read."""
