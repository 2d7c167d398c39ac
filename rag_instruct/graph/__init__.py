"""The graph itself: its plan, its pictures, its progress."""
