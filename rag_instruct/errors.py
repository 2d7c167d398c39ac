"""The one error that is meant for the reader of a terminal."""


class UserError(Exception):
    """Something the user can mend: names the file, the row or key, the value and the remedy."""
