"""Filters for pairs: small checks without a model, one for each reason to reject."""

import re
from collections.abc import Callable

from rag_instruct.corpus.passages import Passage
from rag_instruct.near_duplicates import shingles
from rag_instruct.reasons import Reason
from rag_instruct.synthesis.fact_filters import fact_fault, lacks_fact
from rag_instruct.synthesis.focus import Focus
from rag_instruct.words import content, count_words, fold, marks, options_of, sentences, share, stem_of, substance

REFUSAL = re.compile(
    r"\b(i (can ?not|can't|am unable|do not know|don't know)|i'm (sorry|unable|not able)|as an ai|"
    r"(does not|doesn't|do not|don't) (contain|provide|mention|include)|not (mentioned|provided|enough information))\b",
    re.I,
)
DEPENDENT = re.compile(
    r"\b((the|this|these|those|above|given|following|provided|first|second) "
    r"(passage|document|text|article|sentence|context|excerpt|source|paragraph)s?|"
    r"according to (it|this|them)|mentioned above)\b",
    re.I,
)
PRONOUN = re.compile(r"\b(he|she|it|they|him|his|her|its|their|them|this|these|those)\b", re.I)
OPENING = re.compile(r"^(is it|was it|are there|is there)\b[^,]* (that|true|correct)\b", re.I)


def empty(question: str, answer: str) -> bool:
    return not question.strip() or not answer.strip()


def malformed(question: str, answer: str) -> bool:
    """Say whether the question is cut off, too long, too short or repeats a word, or the answer is cut off."""
    asked = stem_of(question)
    return (
        not 4 <= len(asked.split()) <= 150
        or not asked[0].isalnum()
        or not re.search(r"[.?!:][\"”')]?$", asked)
        or bool(re.search(r"\b([a-z]{3,}) \1\b|\bhow \w+ than\b", asked.lower()))
        or bool(re.search(r"[,;:]$|\w\?\w", answer.strip()))
    )


def refusal(answer: str) -> bool:
    return bool(REFUSAL.search(answer))


def exemplar_copied(question: str, exemplar: str) -> bool:
    """Say whether question and exemplar have most of their words in common."""
    mine, theirs = content(stem_of(question)), content(stem_of(exemplar))
    return bool(mine) and len(mine & theirs) / len(mine | theirs) > 0.6


def not_standalone(question: str) -> bool:
    """Say whether the question mentions a document, or is short and has a pronoun without a name before it."""
    asked = OPENING.sub("", stem_of(question))
    pronoun, named = (
        PRONOUN.search(asked),
        re.search(
            r"(?<=\w )[A-Z]|^(?!(Who|What|When|Where|Which|How|Why|Is|Are|Was|Were|Did|Do"
            r"|Does|Has|Have|Can|The|In|State|Name|Describe|Explain)\b)[A-Z]|\d",
            asked,
        ),
    )
    lost = pronoun and (not named or pronoun.start() < named.start())
    return bool(DEPENDENT.search(asked)) or (bool(lost) and len(asked.split()) < 12)


def answer_in_question(question: str, answer: str) -> bool:
    """Say whether the question already has all words of the answer.

    Claims and choices are exempt, because their questions contain the answer by nature.
    """
    if options_of(question) or re.match(r"(yes|no|true|false)\b", answer, re.I):
        return False
    said = content(substance(answer))
    return bool(said) and said <= content(stem_of(question))


def bad_options(question: str, answer: str) -> bool:
    """Say whether two options are equal, there is only one, or the answer is not one of the options."""
    options = options_of(question)
    if not options:
        return False
    match = re.match(r"\(?([A-H])\b[.):]?\s*(.*)", answer.strip(), re.S)
    letter, text = match.groups() if match else ("", "")
    given = options.get(letter, "").lower().rstrip(".")
    repeated = len({fold(option) or option for option in options.values()}) < len(options)
    said = bool(given) if not text else bool(given) and text.lower().startswith(given)
    return (
        len(options) < 2
        or repeated
        or not (said or any(option.lower().rstrip(".") in answer.lower() for option in options.values()))
    )


def off_topic(question: str, texts: str) -> bool:
    return not content(stem_of(question)) & content(texts)


def grounded(text: str, texts: str, words: float = 0.7) -> bool:
    """Say whether `texts` has all numbers and names of `text`, and enough of its words: at least the share `words`."""
    return marks(text) <= content(texts) | marks(texts) and share(content(text), content(texts)) >= words


def ungrounded(answer: str, texts: str, is_choice: bool) -> bool:
    """Say whether the texts lack a number, a name or too many words of the answer.

    For a short answer or a choice, the texts must have every word.
    """
    short = is_choice or len(content(substance(answer))) < 3
    return not grounded(substance(answer), texts, 1.0 if short else 0.7)


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
    """Say whether one of several documents has nearly all words of the answer."""
    said = content(substance(answer))
    alone = (share(said, content(f"{source.title} {source.text}")) >= 0.95 for source in sources)
    return len(sources) > 1 and not options_of(question) and any(alone)


def reason_in_any_language(question: str, answer: str, exemplar: str) -> Reason | None:
    """Return the first reason to reject a pair of any language, or None."""
    asked = stem_of(question)
    mine, theirs = shingles(asked), shingles(stem_of(exemplar))
    checks: dict[Reason, Callable[[], bool]] = {
        Reason.EMPTY: lambda: empty(question, answer),
        Reason.MALFORMED: lambda: not 2 <= count_words(asked) <= 150 or bool(CUT_OFF.search(answer.strip())),
        Reason.REFUSAL: lambda: refusal(answer),
        Reason.COPIES_EXEMPLAR: lambda: bool(exemplar) and len(mine & theirs) / max(len(mine | theirs), 1) > 0.6,
        Reason.BAD_OPTIONS: lambda: bad_options(question, answer),
        Reason.ANSWER_IN_QUESTION: lambda: not options_of(question) and f" {fold(answer)} " in f" {fold(asked)} ",
    }
    return next((reason for reason, check in checks.items() if check()), None)


CUT_OFF = re.compile(r"[,;:\uff0c\u3001\uff1b\uff1a\u060c\u061b]$")


def reject_reason(
    paradigm: str, question: str, answer: str, exemplar: str, focus: Focus, language: str = "en"
) -> Reason | None:
    """Return the first reason to reject a pair, or None.

    For the answer paradigms, the answer must be grounded in the source documents. For the other paradigms, it must be
    grounded in the hidden passages. Prompts with whole documents have no hidden passages. So with these prompts, we
    check the grounding for the answer paradigms only. Rows of other languages than English get the checks that need no
    English words.
    """
    if language != "en":
        return reason_in_any_language(question, answer, exemplar)
    shown, unseen = _texts(focus.sources), _texts(focus.hidden)
    if empty(question, answer):
        return Reason.EMPTY
    answer_unseen = paradigm in ("useless_doc", "single_doc_support")
    several = paradigm in ("multi_doc_support", "multi_doc_answer")
    facts = [focus.variables[name] for name in ("focus", "first", "second") if name in focus.variables]
    basis = unseen if answer_unseen or paradigm == "multi_doc_support" else shown
    checks: dict[Reason, Callable[[], bool]] = {
        Reason.MALFORMED: lambda: malformed(question, answer),
        Reason.REFUSAL: lambda: refusal(answer),
        Reason.COPIES_EXEMPLAR: lambda: exemplar_copied(question, exemplar),
        Reason.NOT_STANDALONE: lambda: not_standalone(question),
        Reason.BAD_OPTIONS: lambda: bad_options(question, answer),
        Reason.ANSWER_LACKS_FACT: lambda: lacks_fact(question, answer, focus.must_say),
        Reason.ANSWER_IN_QUESTION: lambda: answer_in_question(question, answer),
        Reason.OFF_TOPIC: lambda: off_topic(question, f"{shown} {unseen}"),
        Reason.UNGROUNDED: lambda: bool(basis) and ungrounded(answer, basis, bool(options_of(question))),
        Reason.ANSWER_IN_DOCUMENT: lambda: answer_unseen and answer_in_document(question, answer, focus.sources),
        Reason.ONE_IS_ENOUGH: lambda: several and one_is_enough(question, answer, focus.sources),
    }
    reason = next((reason for reason, check in checks.items() if check()), None)
    return reason or (fact_fault(question, answer, facts) if facts else None)


def _texts(passages: tuple[Passage, ...]) -> str:
    return " ".join(f"{passage.title}. {passage.text}" for passage in passages)
