"""config.yaml and other settings files. This module does not load pydantic: many jobs need only the checked dict."""

from collections.abc import Iterable
from typing import Any

from rag_instruct.errors import UserError

Settings = dict[str, Any]  # the checked config.yaml, defaults filled in
GIVEN = ("with_documents", "closed_book")  # a model under test answers each question in these two ways


def hint(name: object, names: Iterable[str]) -> str:
    """Return the remedy for an unknown name: the most similar known name, or all known names."""
    import difflib  # only errors need it

    known_names = list(names)
    near = difflib.get_close_matches(str(name), known_names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known_names)}"


def known(name: str, names: Iterable[str], place: str, section: str) -> None:
    """Raise UserError if `name`, given at `place`, is not among the `names` of `section`."""
    known_names = list(names)
    if name not in known_names:
        raise UserError(f"config.yaml: {place}: {name!r} is not in {section}: {hint(name, known_names)}")
