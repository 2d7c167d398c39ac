"""The graph: how a run starts, its plan, its pictures, its progress."""
