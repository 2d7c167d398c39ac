"""Blank words of an output that only restate its question: "The city that ... had war not intervened was Berlin"."""

import re
from itertools import pairwise

from rag_instruct.scoring.denials import NEGATION
from rag_instruct.scoring.spelling import canonical

WORD = re.compile(r"\w+(?:['\u2019]\w+)?")
# Words that deny, doubt or offer, if an output says them itself.
SIGN = re.compile(
    r"not|never|no|nor|neither|none|nothing|nobody|nowhere|without|cannot|except|instead|rather|unlike|false|wrong"
    r"|incorrect|doubt|either|\w+n['\u2019]t",
    re.I,
)
# How the answer to a negated question denies: "Which cup did he not win?" "He never won the Davis Cup."
ASKED_FOR = re.compile(
    r"\b(?:do|does|did|have|has|had)(?: not|n['\u2019]t)\b|\bnever\b|\b(?:except|other than)(?: for)?\b", re.I
)


class Restated:
    """The words of a question that an output may repeat.

    `offers` says whether the question names its answer. If so, an "or" in it divides the things that it offers.
    """

    def __init__(self, question: str, offers: bool) -> None:
        text = canonical(question)
        self._pairs = set(pairwise(word.lower() for word in WORD.findall(text)))
        self._negated = NEGATION.search(text) is not None
        self._offers = offers

    def blanked(self, text: str) -> str:
        """Return the text with underscores in place of the repeated words that would deny or offer."""
        for one, other in pairwise(list(WORD.finditer(text))):
            if (one[0].lower(), other[0].lower()) in self._pairs:
                for word in filter(self._is_sign, (one, other)):
                    text = f"{text[: word.start()]}{_line(word)}{text[word.end() :]}"
        return ASKED_FOR.sub(_line, text) if self._negated else text

    def _is_sign(self, word: re.Match[str]) -> bool:
        return SIGN.fullmatch(word[0]) is not None or (word[0].lower() == "or" and not self._offers)


def _line(found: re.Match[str]) -> str:
    return "_" * len(found[0])
