"""Citations in answers: numbers of documents in brackets, such as [1] or [1][3], after what follows from them."""

import re
from collections.abc import Mapping

from rag_instruct.schema import Pair, Row

CODE = re.compile(r"(?s:```.*?(?:```|\Z)|`[^`\n]+`)")
# A citation follows a space, a punctuation mark or another citation, so items[0] in a program is none. Code has none.
BEFORE = r"""[\s.!?,;:()"\]]"""
CITATION = re.compile(rf"{CODE.pattern}|(?<!\s)(\s*)(?:(?<={BEFORE})|^)\[(\d{{1,2}})\]")
# Other forms that teachers write: rain[1], ([1]), [1, 2], [1-3], [Document 1], and with the brackets of Chinese.
NUMBER = r"(?:(?:documents?|docs?\.?) ?)?[1-9]\d?"
BRACKETS = (
    rf"[\[\u3010\uff3b]\s*{NUMBER}(?:\s*(?:[-\u2013&]|[,;\uff0c\u3001]|,? ?and)\s*{NUMBER})*\s*[\]\u3011\uff3d](?!\()"
)
SPELLING = re.compile(rf"{CODE.pattern}|(\()?(?P<numbers>{BRACKETS}(?:[,;]? ?{BRACKETS})*)(?(1)\))", re.I)


def in_one_form(text: str) -> str:
    """Return the text with its citations as this module reads them: " [1]" or " [1][2]"."""
    return SPELLING.sub(_in_one_form, text)


def _in_one_form(found: re.Match[str]) -> str:
    spans = re.findall(r"(\d+)(?:\s*[-\u2013]\D*(\d+))?", found["numbers"] or "")
    numbers = [number for first, last in spans for number in range(int(first), int(last or first) + 1)]
    if not numbers:  # code, or the score 3-1
        return found[0]
    before = found.string[: found.start()][-1:]
    space = " " if before and not re.match(BEFORE, before) else ""
    return space + "".join(f"[{number}]" for number in numbers)


def cited(text: str) -> list[int]:
    """Return the numbers that a text cites, in its order."""
    return [int(found[2]) for found in CITATION.finditer(text) if found[2]]


def uncited(text: str) -> str:
    """Return the text without its citations and the spaces before them."""
    return CITATION.sub(lambda found: "" if found[2] else found[0], text)


def plain_answer(one: Pair | Row) -> str:
    """Return the answer of a pair or a row, without citations."""
    return uncited(one.answer) if one.cited else one.answer


def renumbered(text: str, numbers: Mapping[int, int]) -> str:
    """Return the text with other numbers in its citations. A citation whose number has no other is removed."""

    def other(found: re.Match[str]) -> str:
        if not found[2]:
            return found[0]
        number = numbers.get(int(found[2]))
        return f"{found[1]}[{number}]" if number else ""

    return CITATION.sub(other, text)
