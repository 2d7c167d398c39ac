"""Filters for pairs whose question was made from facts: the teacher chose its wording only."""

import re
from collections.abc import Callable

from rag_instruct.corpus.passages import Passage
from rag_instruct.reasons import Fault, Reason
from rag_instruct.synthesis.focus import Focus
from rag_instruct.words import content, options_of, sentences, share, stem_of, substance


def exemplar_copied(question: str, exemplar: str) -> bool:
    """Say whether question and exemplar have most of their words in common, as if copied."""
    mine, theirs = content(stem_of(question)), content(stem_of(exemplar))
    return bool(mine) and len(mine & theirs) / len(mine | theirs) > 0.6


def bad_options(question: str, answer: str) -> bool:
    """Say whether two options are equal, there is only one, or the answer is not one of them.

    A question without options has no bad ones. An answer is a letter ("B"), a letter with its option ("B. Oslo"), or
    has the text of an option.
    """
    options = {letter: option.lower().rstrip(".") for letter, option in options_of(question).items()}
    if not options:
        return False
    if len(options) < 2 or len(set(options.values())) < len(options):
        return True
    if any(option in answer.lower() for option in options.values()):
        return False
    letter = re.fullmatch(r"\(?([A-H])\b[.):]?\s*", answer.strip())
    return not (letter and letter[1] in options)


def answer_in_document(question: str, answer: str, sources: tuple[Passage, ...]) -> bool:
    """Say whether a sentence of a document answers the question.

    The sentence and the document's title must have most of the answer's words and half of the question's words. We
    ignore words that the answer repeats from the question, unless the answer has no other words.
    """
    asked, said = content(stem_of(question)), content(substance(answer))
    added = said - asked or said
    for source in sources:
        for sentence in sentences(source.text):
            words = content(sentence) | content(source.title)
            if added and share(added, words) >= 0.8 and share(asked, words) >= 0.5:
                return True
    return False


def one_is_enough(question: str, answer: str, sources: tuple[Passage, ...]) -> bool:
    """Say whether one of several documents has nearly all words of the answer. Choices are not judged."""
    said = content(substance(answer))
    alone = (share(said, content(f"{source.title} {source.text}")) >= 0.95 for source in sources)
    return len(sources) > 1 and not options_of(question) and any(alone)


def sentence_fault(paradigm: str, question: str, answer: str, exemplar: str, focus: Focus) -> Fault | None:
    """Return the first reason to reject a pair, or None."""
    checks: dict[Reason, Callable[[], bool]] = {
        Reason.COPIES_EXEMPLAR: lambda: exemplar_copied(question, exemplar),
        Reason.BAD_OPTIONS: lambda: bad_options(question, answer),
        Reason.ANSWER_IN_DOCUMENT: lambda: (
            paradigm == "useless_doc" and answer_in_document(question, answer, focus.sources)
        ),
        Reason.ONE_IS_ENOUGH: lambda: one_is_enough(question, answer, focus.sources),
    }
    return next((Fault(reason) for reason, check in checks.items() if check()), None)
