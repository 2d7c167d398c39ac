"""RAG-Instruct (arXiv 2501.00353) as a library: how each step of the build graph is done."""

__version__ = "0.1.0"
