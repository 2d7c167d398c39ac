"""A data set as one page: its content, its origin, and its rows to search and read."""
