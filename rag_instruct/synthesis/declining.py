"""Rows that decline: a needed document is withheld, and the answer says what is missing without inventing it."""

import re

from rag_instruct.language import language_of
from rag_instruct.reasons import Fault, Reason
from rag_instruct.synthesis.grounding import FIGURE, NAME
from rag_instruct.words import content, share, substance

MISSING = re.compile(
    r"\b(not|no|cannot|none|nothing|neither|nor|lack\w*|missing|unknown|unable|without|unclear)\b|n't\b", re.I
)
TOLD = 0.5  # a document may answer if it has this share of the answer's words that the question lacks


def declining_fault(question: str, answer: str, declined: str, others: str) -> Fault | None:
    """Return why a text is no good answer without the withheld document, or None.

    `answer` is the answer with it, and `others` are the texts of the remaining source documents. In another language
    than English, a rule cannot see whether a text says that something is missing.
    """
    if not declined.strip() or (language_of(declined) == "en" and not MISSING.search(declined)):
        return Fault(Reason.NOT_DECLINED, "nothing is said to be missing")
    known = f"{question} {others}"
    told = {mark for mark in _marks(answer) & _marks(declined) if mark.lower() not in known.lower()}
    return Fault(Reason.NOT_DECLINED, f"it has {min(told)}") if told else None


def _marks(text: str) -> set[str]:
    return {*FIGURE.findall(text), *NAME.findall(text)}


def may_answer(question: str, answer: str, document: str) -> bool:
    """Say whether a document has most words of the answer that the question lacks."""
    added = content(substance(answer)) - content(question)
    return share(added, content(document)) >= TOLD
