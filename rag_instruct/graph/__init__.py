"""The build graph: the start of a run, its plan, its progress, and pictures of the graph."""
