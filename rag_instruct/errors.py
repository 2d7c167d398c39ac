"""The errors that are meant for the reader of a terminal."""


class UserError(Exception):
    """Something the user can mend: names the file, the row or key, the value and the remedy."""


class ArgumentError(UserError):
    """The command line is wrong: names the argument and the remedy."""
