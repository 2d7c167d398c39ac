"""config.yaml and other settings files. This file loads no pydantic: many jobs only need the checked dict."""

from collections.abc import Iterable
from typing import Any

from rag_instruct.errors import UserError

Settings = dict[str, Any]  # the checked config.yaml, defaults filled in
GIVEN = ("with_documents", "closed_book")  # the two ways in which a model under test is asked


def hint(name: object, names: Iterable[str]) -> str:
    """The remedy for an unknown name: the nearest known one, or all of them."""
    import difflib  # which only errors need

    known_names = list(names)
    near = difflib.get_close_matches(str(name), known_names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known_names)}"


def known(name: str, names: Iterable[str], place: str, section: str) -> None:
    """Raise UserError when `name`, which stands at `place`, is not among the `names` of `section`."""
    known_names = list(names)
    if name not in known_names:
        raise UserError(f"config.yaml: {place}: {name!r} is not in {section}: {hint(name, known_names)}")
