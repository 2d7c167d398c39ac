"""Rows that decline: a needed document is withheld, and the answer says what is missing without inventing it."""

import re

from rag_instruct.language import language_of
from rag_instruct.reasons import Fault, Reason
from rag_instruct.synthesis.grounding import FIGURE, NAME, NOUNS_HAVE_CAPITALS, unsupported_number
from rag_instruct.words import added_words, content, share

MISSING = re.compile(
    r"\b(not|no|cannot|none|nothing|neither|nor|lack\w*|missing|unknown|unable|without|unclear)\b|n't\b", re.I
)
POSSESSIVE = re.compile("['\u2019]s?$")
TOLD = 0.5  # a document may answer if it has this share of the answer's words that the question lacks


def declining_fault(question: str, answer: str, declined: str, others: str, withheld: str = "") -> Fault | None:
    """Return why a text is no good answer without the withheld document, or None.

    `answer` is the answer with the document, `withheld` is the document's text, if it is known, and `others` are the
    texts of the remaining source documents. Only in English can a rule see whether a text says that something is
    missing. German nouns all have capitals, so its names cannot be told.
    """
    language = language_of(f"{question} {declined}")
    if not declined.strip() or (language == "en" and not MISSING.search(declined)):
        return Fault(Reason.NOT_DECLINED, "nothing is said to be missing")
    names = set() if language in NOUNS_HAVE_CAPITALS else _names(declined) & (_names(answer) | _names(withheld))
    figures = {*FIGURE.findall(declined)} & {*FIGURE.findall(answer)}
    known = f"{question} {others}".lower()
    told = {mark for mark in names | figures if mark.lower() not in known}
    found = min(told) if told else unsupported_number(declined, question, others)
    return Fault(Reason.NOT_DECLINED, f"it has {found}") if found else None


def _names(text: str) -> set[str]:
    return {POSSESSIVE.sub("", name) for name in NAME.findall(text)}


def may_answer(question: str, answer: str, document: str) -> bool:
    """Say whether a document has most of the words that the answer adds to the question.

    An answer such as "yes" adds none. Then a document may answer if it has most words of the question.
    """
    telling = added_words(question, answer) or content(question)
    return share(telling, content(document)) >= TOLD
