"""From passages and queries to runs: vectors, exact search, merging."""
