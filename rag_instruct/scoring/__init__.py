"""The scores of an output, by the field's rules and by the paper's."""
