"""Citations in answers: numbers of documents in brackets, such as [1] or [1][3], after what follows from them."""

import re
from collections.abc import Mapping

from rag_instruct.schema import Pair, Row

# After a space, a punctuation mark or another citation, so that items[0] of a program is none.
CITATION = re.compile(r"""(\s*)(?:(?<=[\s.!?,;:)"\]])|^)\[(\d{1,2})\]""")


def cited(text: str) -> list[int]:
    """Return the numbers that a text cites, in its order."""
    return [int(found[2]) for found in CITATION.finditer(text)]


def uncited(text: str) -> str:
    """Return the text without its citations and the spaces before them."""
    return CITATION.sub("", text)


def plain_answer(one: Pair | Row) -> str:
    """Return the answer of a pair or a row, without citations."""
    return uncited(one.answer) if one.cited else one.answer


def renumbered(text: str, numbers: Mapping[int, int]) -> str:
    """Return the text with other numbers in its citations. A citation whose number has no other is removed."""

    def other(found: re.Match[str]) -> str:
        number = numbers.get(int(found[2]))
        return f"{found[1]}[{number}]" if number else ""

    return CITATION.sub(other, text)
