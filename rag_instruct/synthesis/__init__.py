"""From exemplars and documents to pairs of question and answer."""
