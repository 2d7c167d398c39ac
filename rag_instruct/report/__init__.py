"""Build the page about a data set: its content, its origin, and its rows to search and read."""
