"""Find an output's verdict in a closed set: true or false; yes or no; yes, no or maybe."""

import re
from collections.abc import Sequence

from rag_instruct.scoring.assertions import (
    CONCLUSION,
    SILENCE,
    UNSURE,
    around,
    contradicted,
    final_answer,
    sides,
    statements,
)
from rag_instruct.scoring.denials import NEGATED_AFTER, denied
from rag_instruct.words import stem

# Synonyms of each verdict. "maybe" is searched first, because some of its synonyms contain yes or no.
SYNONYMS = {
    "maybe": r"maybe|unclear|uncertain|inconclusive|possibly|perhaps|undetermined|it depends|yes and no"
    r"|(?:cannot|can not|can't) be (?:determined|answered|said|concluded)|not (?:clear|certain|conclusive)",
    "true": r"true|yes|correct|accurate|factual|right|supported(?: by)?|confirmed",
    "false": r"false|no|incorrect|inaccurate|untrue|wrong|misleading|a myth|a hoax|fake|debunked|unfounded|baseless"
    r"|refuted|unsupported",
    "yes": r"yes|yeah|yep|true|correct|affirmative",
    "no": r"no|nope|false|incorrect|negative",
}
# What says maybe if there is no other verdict: "Yes, although the evidence is mixed" says yes.
MIXED = re.compile(
    r"\b(?:evidence|results|findings|data) (?:is|are|was|were|remains?) (?:\w+ )?(?:mixed|conflicting|equivocal)\b"
    r"|\b(?:insufficient|not enough) (?:evidence|data) to\b",
    re.I,
)
# What says a verdict as the whole first sentence only.
WHOLE = {
    "yes": re.compile(
        r"\W*(?:y|(?:definitely|certainly|absolutely|of course|indeed|sure(?:ly)?)(?= *[.!,]| *$))\W*", re.I
    ),
    "no": re.compile(
        r"\W*(?:n|(?:(?:absolutely|definitely|certainly|surely|of course) not|not at all)(?= *[.!,]| *$))\W*", re.I
    ),
    "true": re.compile(
        r"\W*(?:t|supports|(?:mostly|largely|completely|entirely|totally) (?:true|correct|accurate))\W*", re.I
    ),
    "false": re.compile(
        r"\W*(?:f|refutes|(?:mostly|largely|completely|entirely|totally) (?:false|incorrect|inaccurate|wrong))\W*", re.I
    ),
}
# Models also begin with these to be polite, so they are no verdict before a denial.
POLITE = re.compile(r"\W*(?:sure|certainly|of course)\b", re.I)
# An emphatic yes before a statement: "Indeed, both of them are."
INDEED = re.compile(r"\W*(?:indeed|absolutely|definitely|of course)\b[,:]? (?!not\b)", re.I)
OPPOSITE = {"true": "false", "false": "true", "yes": "no", "no": "yes"}
# "insufficient evidence to say yes", "I cannot say yes": no verdict.
UNSAYABLE = re.compile(
    r"\b(?:insufficient|not enough|no (?:evidence|data|information|basis|reason|way)|unable"
    r"|impossible|not possible|cannot|can not|can't|hard|difficult)\b"
    r"(?: \w+){0,3}"
    r" (?:say|answer|conclude|state|give)(?: \w+){0,2}\W*$",
    re.I,
)
# Who judges a claim, and how: "The evidence supports the claim." The labels of FEVER are such verbs alone.
BACKED = re.compile(
    r"\b(?:evidence|documents?|passages?|sources?|texts?|context|research|stud(?:y|ies)|data)"
    r" (?P<no>(?:do|does)(?: not|n['\u2019]t) )?(?:\w+ly )?"
    r"(?:(?P<true>supports?|confirms?)|(?P<false>refutes?|contradicts?))"
    r" (?:the|this) (?:claim|statement|assertion)\b",
    re.I,
)
NOT = re.compile(r"(?:\b(?:not|never|hardly)|n['\u2019]t)\s+(?:\w+\s+){0,2}?$", re.I)

# These words are a verdict only where they stand alone. They are none in "no evidence" or "a negative test".
ONLY_ALONE = frozenset(
    ("no", "yes", "right", "wrong", "negative", "yeah", "yep", "nope", "maybe", "possibly", "perhaps")
)
# A statement that ends with its denial says no: "they were not".
DENIES = re.compile(
    r"\b(?:it|they|he|she|both|this|that|these)(?: \w+)?"
    r" (?:(?:is|are|was|were|do|does|did|has|have|had|could|will|would)(?: not|n['\u2019]t)|can(?:not|['\u2019]t))\W*$"
    r"|^\W*not (?:really|exactly)\W*$|^\W*i (?:do not|don['\u2019]t) think so\b",
    re.I,
)
NEGATIVE = re.compile(r"\b(?:not|neither|never|none|nor)\b|n['\u2019]t\b", re.I)
PARTLY = re.compile(r"\b(?:half|partly|partially|somewhat)[ -]$", re.I)
ALONE_BEFORE = re.compile(
    r"(?:^|[.!?:;,(\n\"'*\u201c]|\b(?:is|was|be|say|so|therefore|hence|thus|answer|that|and|or|but|yes|no|maybe|true|false|likely|probably"
    r"|definitely|certainly|clearly|absolutely)[,/]?)"
    r"[\s\"'*(\u201c\ufe0f\u2190-\u2bff\U0001F300-\U0001FAFF]*$",
    re.I,
)
ALONE_AFTER = re.compile(
    r"^\s*(?:$|[.,!?;:)\n\"'*\u201d\-\u2013\u2014/]"
    r"|(?:because|since|as|and|or|it|the|this|they|there|to|yes|no|maybe|true|false|is|was|would|seems|appears)\b)",
    re.I,
)
SUBJECT = re.compile(
    r"\b(?:claim|statement|assertion|it|this|that|answer|which|rumou?r|story|post|report)\b[^.]{0,60}$", re.I
)
JUDGED = re.compile(
    r"\b(?:claim|statement|assertion)\s+(?:is|was|appears to be|seems)(?:n['\u2019]t)?(?: \w+){1,3}", re.I
)
NO_EVIDENCE = re.compile(
    r"\b(?:no|not any|isn['\u2019]t any) (?:\w+ ){0,2}(?:evidence|proof|support)\b|\bnot (?:supported|backed)\b", re.I
)
# "No evidence suggests that it is true" denies what follows, up to another clause.
NO_EVIDENCE_THAT = re.compile(
    rf"(?:{NO_EVIDENCE.pattern})(?: (?!(?:but|so|and|because|which|therefore|thus|yet)\b)[\w'\u2019-]+){{0,12}} *$",
    re.I,
)
ECHO = re.compile(
    r"\b(?:true or false|yes,? (?:no,? )?or (?:no|maybe)|yes or no|true/false|yes/no(?:/maybe)?)\b\??", re.I
)


def verdict(text: str, words: Sequence[str]) -> str | None:
    """Return the text's verdict, which is one of `words`, or None if it gives none or several.

    A text or final answer that is one of the words decides. Otherwise the first of these parts that gives one verdict
    decides: what follows the last "the answer is", the first word, what is said about the claim, all sentences
    together, the conclusion. If the first sentence states another verdict than the first word, there is no verdict. A
    repeated "true or false?" is ignored.
    """
    text = ECHO.sub(" ", text)
    if not statements(text):
        return None
    if found := _of_final(text, words):
        return found
    first, *rest = statements(text)
    whole = _whole(first, words)
    if whole and not (whole == "yes" and _is_taken_back(first, rest, words)):
        return whole
    if INDEED.match(first) and "yes" in words and _said(text, words) <= {"yes"} and not NEGATIVE.search(text):
        return "yes"
    if _opening(text, words):
        return _begun(text, words)
    for said in (_of_the_claim, _of_all, _concluded):
        if found := _only(said(text, words)):
            return found
    return "maybe" if "maybe" in words and MIXED.search(text) and not _of_all(text, words) else None


def _of_final(text: str, words: Sequence[str]) -> str | None:
    """Return the word that the text or its final answer is, or the final answer's verdict, or None."""
    final = final_answer(text)
    if exact := next((word for word in words if _plain(word) == _plain(final)), None):
        return exact
    if final == text:
        return None
    return _whole(final, words) or _only(_said(final, words)) or _begun(final, words)


def _plain(text: str) -> str:
    return " ".join(text.lower().strip(" \n.!*\"'").split())


def _is_other(written: str, word: str, words: Sequence[str]) -> bool:
    """Return whether a synonym of `word` is itself another word of the set: "correct" for yes."""
    return written.lower() != word and written.lower() in words


def _begun(text: str, words: Sequence[str]) -> str | None:
    """Return the verdict that the text begins with, unless its first sentence states another one."""
    opening = _opening(text, words)
    said = _stated(statements(text)[0], words) - ({"maybe"} if opening != "maybe" else set())
    return opening if said <= {opening} else None


def denied_question(question: str, text: str, words: Sequence[str]) -> str | None:
    """Return "no" or "false" if the text's last sentence denies the question in its own words, or None.

    "They are not in the same state." says no to "Are they in the same state?". Only few other words may stand in it.
    """
    last = (statements(text) or [""])[-1]
    if NEGATIVE.search(question) or UNSURE.search(last) or SILENCE.search(last):
        return None
    wanted = _roots(CONCLUSION.sub(" ", last)) - FILLERS
    if len(NEGATIVE.findall(last)) != 1 or not wanted or not wanted <= _roots(question):
        return None
    return next((word for word in ("no", "false") if word in words), None)


def _roots(text: str) -> set[str]:
    return {stem(word) for word in re.findall(r"[^\W_]+", text.lower())}


FILLERS = _roots(
    "a an the it its they he she this that these those both either neither none one ones not never t nor and or no "
    "of in at on to from by is isn are aren was wasn were weren be been do don does doesn did didn has hasn have haven "
    "had can cannot could will would located situated based also actually really answer"
)


def _whole(sentence: str, words: Sequence[str]) -> str:
    """Return the verdict that the whole sentence stands for ("Y", "Mostly false"), or "".

    A sentence that is one of the words gives "" too: other rules judge it.
    """
    if _plain(sentence) in words:
        return ""
    return next((word for word in words if word in WHOLE and WHOLE[word].fullmatch(sentence)), "")


def _only(said: set[str]) -> str:
    """Return the only verdict, or "" if there is none or several."""
    return next(iter(said)) if len(said) == 1 else ""


def _is_taken_back(first: str, rest: Sequence[str], words: Sequence[str]) -> bool:
    """Return whether a yes is only polite: "Sure! No, ..." or "Sure! They did not both win."."""
    says_no = any("no" in _said(sentence, words) for sentence in rest)
    return says_no or bool(POLITE.match(first) and any(map(NEGATIVE.search, rest)))


def _of_the_claim(text: str, words: Sequence[str]) -> set[str]:
    judged = (match for match in JUDGED.finditer(text) if not denied(around(text, *match.span())[0]))
    return {word for match in judged for word in _said(match[0], words)}


def _of_all(text: str, words: Sequence[str]) -> set[str]:
    return {word for sentence in statements(text) for word in _said(sentence, words)}


def _concluded(text: str, words: Sequence[str]) -> set[str]:
    conclusions = list(CONCLUSION.finditer(text))
    return _said(text[conclusions[-1].start() :], words) if conclusions else set()


def _opening(text: str, words: Sequence[str]) -> str | None:
    """Return the verdict that the text begins with, or None."""
    for word in _in_order(words):
        match = re.match(rf"[\W_]*({_pattern(word)})\b", text, re.I)
        rest = text[match.end() :] if match else ""
        if match is None or _is_other(match[1], word, words) or NEGATED_AFTER.search(rest):
            continue
        if match[1].lower() != "no" or ALONE_AFTER.match(rest):
            return word
    return None


def _in_order(words: Sequence[str]) -> list[str]:
    """Return first the words that contain others: "not relevant" before "relevant"."""
    return sorted(words, key=lambda word: (-len(word.split()), word != "maybe"))


def _pattern(word: str) -> str:
    return SYNONYMS.get(word, re.escape(word))


def _said(text: str, words: Sequence[str]) -> set[str]:
    """Return all verdicts in a text. "No evidence" says false."""
    unproven = {"false"} if NO_EVIDENCE.search(text) else set()
    return (_stated(text, words) | unproven) & set(words)


def _opposite(word: str, words: Sequence[str]) -> str | None:
    """Return the opposite of a word, or None if the set has none."""
    return next((other for other in (OPPOSITE.get(word), f"not {word}") if other in words), None)


def _stated(text: str, words: Sequence[str]) -> set[str]:
    """Return the verdicts that words of a text state. A negated verdict counts as its opposite."""
    found: set[str] = set()
    taken: list[tuple[int, int]] = []
    for word in _in_order(words):
        for match in re.finditer(rf"(?<![\w-])(?:{_pattern(word)})(?![\w-])", text, re.I):
            before, after = sides(text, match)
            free = not any(start < match.end() and match.start() < end for start, end in taken)
            if free and not _is_other(match[0], word, words) and _is_verdict(word, match[0].lower(), before, after):
                taken.append(match.span())
                meant = _opposite(word, words) if _turned(match[0], before, after) else word
                found |= {meant} if meant else set()
    if "no" in words and DENIES.search(text):
        found.add("no")
    for match in BACKED.finditer(text):
        found.add("true" if bool(match["true"]) != bool(match["no"]) else "false")
    return found & set(words)


def _turned(written: str, before: str, after: str) -> bool:
    """Return whether a verdict is denied: "not true", "no evidence suggests yes", "yes is not the answer"."""
    if NOT.search(before) or NO_EVIDENCE_THAT.search(before):
        return True
    if written.lower() not in ("yes", "no"):
        return False
    beside = before.rstrip().endswith(",") and not re.search(r"\bnot\s*,[^,]*,\s*$", before, re.I)
    return bool(NEGATED_AFTER.search(after)) or (not beside and denied(before))


def _is_verdict(word: str, written: str, before: str, after: str) -> bool:
    """Return whether a word is a verdict here, and does not describe something else."""
    if PARTLY.search(before) or (word != "maybe" and UNSAYABLE.search(before)) or contradicted(before, after):
        return False
    if written in ONLY_ALONE:
        return bool(ALONE_BEFORE.search(before) and ALONE_AFTER.match(after))
    if word == "maybe" or SUBJECT.search(before) or ALONE_BEFORE.search(before):
        return True
    # "Not true at all." The death that was not confirmed for years is another thing.
    return bool(NOT.search(before)) and re.search(r"(?:^|[.!?:\n])\W*$", NOT.sub("", before)) is not None
