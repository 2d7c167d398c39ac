"""Score outputs by the rules of the field and by the rules of the paper's code."""
