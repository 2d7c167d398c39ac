"""Rows that decline: a needed document is withheld, and the answer says what is missing without inventing it."""

import re
from collections.abc import Collection

from rag_instruct.citations import uncited
from rag_instruct.corpus.passages import Passage
from rag_instruct.language import language_of
from rag_instruct.reasons import Fault, Reason
from rag_instruct.synthesis.document_filters import malformed
from rag_instruct.synthesis.focus import texts_of
from rag_instruct.synthesis.grounding import FIGURE, NAME, NOUNS_HAVE_CAPITALS, unsupported_number
from rag_instruct.words import added_words, content, share, stem, straight

MISSING = re.compile(
    r"\b(not|no|cannot|none|nothing|neither|nor|lack\w*|missing|unknown|unable|without|unclear)\b|n't\b", re.I
)
POSSESSIVE = re.compile("'s?$")  # the end of "Rhine's" and "Danes'"
WORD = re.compile(r"[\w'-]+")
MAY_ANSWER = 0.5  # A document may answer if it has this share of the words that the answer adds to the question.


def declining_fault(question: str, answer: str, declined: str, others: str, withheld: str = "") -> Fault | None:
    """Return why `declined` is no good answer without the withheld document, or None.

    `answer` is the answer with the document, `withheld` is the document's text, if it is known, and `others` are the
    texts of the remaining source documents. Only in English can a rule see whether a text says that something is
    missing. German nouns all have capitals, so we do not look for names in German.
    """
    question, answer, declined, others, withheld = map(straight, (question, answer, declined, others, withheld))
    language = language_of(f"{question} {declined}")
    if not declined.strip() or (language == "en" and not MISSING.search(declined)):
        return Fault(Reason.NOT_DECLINED, "nothing is said to be missing")
    allowed = f"{question} {others}"
    if broken := malformed(question, declined, allowed):
        return Fault(Reason.NOT_DECLINED, broken)
    names = set() if language in NOUNS_HAVE_CAPITALS else _names(declined) & (_names(answer) | _names(withheld))
    figures = {*FIGURE.findall(declined)} & {*FIGURE.findall(answer)}
    known = _stems(allowed)
    leaked = {name for name in names if stem(name) not in known} | (figures - {*FIGURE.findall(allowed)})
    found = min(leaked) if leaked else unsupported_number(declined, question, others)
    return Fault(Reason.NOT_DECLINED, f"it has {found}") if found else None


def pair_declining_fault(
    question: str, answer: str, declined: str, sources: Collection[Passage], withheld: str
) -> Fault | None:
    """Return why a pair's `declined` is no good answer without the source document with the id `withheld`, or None."""
    others = tuple(passage for passage in sources if passage.id != withheld)
    hidden = tuple(passage for passage in sources if passage.id == withheld)
    return declining_fault(question, uncited(answer), uncited(declined), texts_of(others), texts_of(hidden))


def _names(text: str) -> set[str]:
    return {POSSESSIVE.sub("", name) for name in NAME.findall(text)}


def _stems(text: str) -> set[str]:
    """Return the roots of all words and of the parts of hyphenated words: "Anglo-Saxon" has three."""
    return {stem(part) for word in WORD.findall(text) for part in (word, *word.split("-"))}


def may_answer(question: str, answer: str, document: str) -> bool:
    """Say whether a document has most of the words that the answer adds to the question.

    An answer such as "yes" adds none. Then a document may answer if it has most words of the question.
    """
    telling = added_words(question, answer) or content(question)
    return share(telling, content(document)) >= MAY_ANSWER
