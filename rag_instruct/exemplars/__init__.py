"""From instruction sets to the exemplars that questions imitate."""
