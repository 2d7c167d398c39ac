"""The filters of pairs: small named checks of what a critical reader would refuse, without a model."""

import re

from rag_instruct.focus import Focus
from rag_instruct.passage import Passage
from rag_instruct.sentence_focus import sentences

STOP = frozenset(
    ["a", "an", "the", "and", "or", "but", "nor", "of", "in", "on", "at", "by", "for", "from", "to", "into", "onto", "with", "without", "within", "as", "is", "are", "was", "were", "be", "been", "being", "am", "do", "does", "did", "done", "has", "have", "had", "can", "could", "will", "would", "shall", "should", "may", "might", "must", "not", "no", "yes", "than", "then", "that", "this", "these", "those", "it", "its", "he", "him", "his", "she", "her", "hers", "they", "them", "their", "theirs", "we", "us", "our", "you", "your", "i", "me", "my", "who", "whom", "whose", "which", "what", "when", "where", "why", "how", "there", "here", "also", "so", "such", "too", "very", "more", "most", "much", "many", "some", "any", "all", "each", "every", "either", "both", "one", "ones", "other", "others", "another", "same", "own", "only", "just", "about", "over", "under", "between", "through", "during", "before", "after", "above", "below", "out", "off", "up", "down", "again", "further", "once", "if", "because", "while", "until", "whether", "name", "state", "describe", "explain", "identify", "list", "give", "say", "tell", "compare", "true", "false", "correct", "correctly", "following", "options", "option", "year"]
)
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
OPTION = re.compile(r"^\(?([A-H])[.):]\s*(.+)$", re.M)


def stem(word: str) -> str:
    """A crude root, so that "rises" meets "rise" and "founded" meets "founding"."""
    word = re.sub(r"['’]s?$", "", word.lower())
    return re.sub(r"(ing|ed|es|s|e)$", "", word) if len(word) > 4 and not word[0].isdigit() else word


def content(text: str) -> set[str]:
    """The words that carry meaning, as roots."""
    return {stem(word) for word in re.findall(r"[\w][\w'’.,-]*\w|\w", text) if word.lower() not in STOP}


def marks(text: str) -> set[str]:
    """Numbers and names inside sentences: what an answer cannot get nearly right."""
    names = re.findall(r"(?<=[\w,;] )[A-Z][\w'’-]+", text)
    return {stem(name) for name in names if name.lower() not in STOP} | set(re.findall(r"\d[\d.,]*\d|\d", text))


def share(part: set[str], whole: set[str]) -> float:
    return len(part & whole) / len(part) if part else 1.0


def stem_of(question: str) -> str:
    """The question without its options."""
    return OPTION.split(question, maxsplit=1)[0].strip()


def options_of(question: str) -> dict[str, str]:
    return {letter: text.strip() for letter, text in OPTION.findall(question)}


def substance(answer: str) -> str:
    """The answer without its letter or its yes or no."""
    return re.sub(r"^(\(?[A-H][.):] |(yes|no|true|false)\b[,.:;]? ?)", "", answer.strip(), flags=re.I)


def empty(question: str, answer: str) -> bool:
    return not question.strip() or not answer.strip()


def odd_form(question: str, answer: str) -> bool:
    """Cut off, run on, stammering, or not ended as a question or an order."""
    asked = stem_of(question)
    return (
        not 4 <= len(asked.split()) <= 150
        or not asked[0].isalnum()
        or not re.search(r"[.?!:][\"”')]?$", asked)
        or bool(re.search(r"\b([a-z]{3,}) \1\b", asked.lower()))
        or bool(re.search(r"[,;:]$|\w\?\w", answer.strip()))
    )


def refusal(answer: str) -> bool:
    return bool(REFUSAL.search(answer))


def exemplar_copied(question: str, exemplar: str) -> bool:
    """Most of what it says is the exemplar's."""
    mine, theirs = content(stem_of(question)), content(stem_of(exemplar))
    return bool(mine) and len(mine & theirs) / len(mine | theirs) > 0.6


def not_standalone(question: str) -> bool:
    """It points at a document, or is short and has a pronoun that nothing before it explains."""
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
    """The question says all that the answer says; a claim and a choice do so by their nature."""
    if options_of(question) or re.match(r"(yes|no|true|false)\b", answer, re.I):
        return False
    said = content(substance(answer))
    return bool(said) and said <= content(stem_of(question))


def choice_broken(question: str, answer: str) -> bool:
    """Options that repeat, or an answer that is none of them."""
    options = options_of(question)
    if not options:
        return False
    match = re.match(r"\(?([A-H])\b[.):]?\s*(.*)", answer.strip(), re.S)
    letter, text = match.groups() if match else ("", "")
    given = options.get(letter, "").lower().rstrip(".")
    repeated = len({option.lower() for option in options.values()}) < len(options)
    said = bool(given) if not text else bool(given) and text.lower().startswith(given)
    return (
        len(options) < 2
        or repeated
        or not (said or any(option.lower().rstrip(".") in answer.lower() for option in options.values()))
    )


def off_topic(question: str, texts: str) -> bool:
    return not content(stem_of(question)) & content(texts)


def grounded(text: str, texts: str, words: float = 0.7) -> bool:
    """Every number and name, and most words, are in the texts."""
    return marks(text) <= content(texts) | marks(texts) and share(content(text), content(texts)) >= words


def ungrounded(answer: str, texts: str, is_choice: bool) -> bool:
    """What the answer states is not in the texts: a short one must be there in full."""
    short = is_choice or len(content(substance(answer))) < 3
    return not grounded(substance(answer), texts, 1.0 if short else 0.7)


def answer_shown(question: str, answer: str, sources: tuple[Passage, ...]) -> bool:
    """A document that should be of no help holds what the answer adds to the question."""
    asked, said = content(stem_of(question)), content(substance(answer))
    added = said - asked or said
    for source in sources:
        for sentence in sentences(source.text):
            words = content(sentence) | content(source.title)
            if added and share(added, words) >= 0.8 and share(asked, words) >= 0.5:
                return True
    return False


def one_is_enough(question: str, answer: str, sources: tuple[Passage, ...]) -> bool:
    """One of several documents holds the whole answer: then the row is not multi-document."""
    said = content(substance(answer))
    alone = (share(said, content(f"{source.title} {source.text}")) >= 0.95 for source in sources)
    return len(sources) > 1 and not options_of(question) and any(alone)


def misses_answer(question: str, answer: str, must_say: tuple[str, ...]) -> bool:
    """The answer lacks words that it has to contain, or the question gives them away."""
    given = "" if options_of(question) or re.match(r"(yes|no)\b", answer, re.I) else stem_of(question)
    return any(words not in answer or words in given for words in must_say)


def reject_reason(paradigm: str, question: str, answer: str, exemplar: str, focus: Focus) -> str | None:
    """The first reason to refuse a pair, or None.

    A capable teacher hides no passage: then nothing says where r0 to r2 got their answers, and
    grounding is checked for r3 and r4 alone.
    """
    shown, unseen = _texts(focus.sources), _texts(focus.hidden)
    if empty(question, answer):
        return "empty"
    helpless = paradigm in ("useless_doc", "single_doc_support")
    several = paradigm in ("multi_doc_support", "multi_doc_answer")
    basis = unseen if helpless else shown if focus.must_say or paradigm != "multi_doc_support" else ""
    checks = {
        "odd form": lambda: odd_form(question, answer),
        "refusal": lambda: refusal(answer),
        "exemplar repeated": lambda: exemplar_copied(question, exemplar),
        "does not stand alone": lambda: not_standalone(question),
        "choice broken": lambda: choice_broken(question, answer),
        "answer missed": lambda: misses_answer(question, answer, focus.must_say),
        "answer in the question": lambda: answer_in_question(question, answer),
        "off topic": lambda: off_topic(question, f"{shown} {unseen}"),
        "ungrounded": lambda: bool(basis) and ungrounded(answer, basis, bool(options_of(question))),
        "answer shown": lambda: helpless and answer_shown(question, answer, focus.sources),
        "one document suffices": lambda: several and one_is_enough(question, answer, focus.sources),
    }
    return next((reason for reason, check in checks.items() if check()), None)


def _texts(passages: tuple[Passage, ...]) -> str:
    return " ".join(f"{passage.title}. {passage.text}" for passage in passages)
