"""RAG-Instruct (arXiv 2501.00353) as a library: the code of each step of the build graph."""

__version__ = "0.1.0"
