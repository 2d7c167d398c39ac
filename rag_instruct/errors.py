"""Errors whose messages users read on the terminal."""


class UserError(Exception):
    """An error that the user can fix. The message names the file, the row or key, the value, and what to do."""


class ArgumentError(UserError):
    """An error in the command line. The message names the argument and what to do."""
