"""Compute accuracy, exact match and token F1 of an output, by the form of the question.

Accuracy of an open question is the field's rule: an answer occurs as whole words. In addition, the output must assert
the answer. It must not deny the answer or list it among several guesses. If the output names a final answer, only the
final answer counts.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from rag_instruct.schema import Question
from rag_instruct.scoring.assertions import (
    CONTRAST,
    RAISED,
    UNSURE,
    around,
    asserted,
    final_part,
    own_turn,
    statements,
)
from rag_instruct.scoring.choices import chosen
from rag_instruct.scoring.closed_sets import denied_question, verdict
from rag_instruct.scoring.mentions import PERSON, PLACE, TITLE, Answer, forms, mentions, outermost
from rag_instruct.scoring.quantities import same_number
from rag_instruct.scoring.restated import Restated
from rag_instruct.scoring.spelling import canonical, normalized, unhyphenated
from rag_instruct.words import content

Scores = dict[str, float]

GUESSES = 5  # a list of this many short items is wrong if less than a quarter of them are right
LONG = 200  # characters of a line that may be an answer as a whole
ITEM = re.compile(r"[,;\n]|\band\b|\bor\b", re.I)


def score_open(question: Question, output: str) -> Scores:
    """Return the scores of a free answer. If the gold answer is yes or no, accuracy compares verdicts."""
    text = own_turn(output)
    answers = question.answers
    if answers[0].lower() in ("yes", "no") and not ASKS_NAME.match(question.question):
        right = _verdict(question.question, text, ("yes", "no")) == answers[0].lower()
    else:
        wanted = (*answers, *_scaled(question))
        right = any(answered(one, wanted, question.question) for one in dict.fromkeys((text, RAISED.sub("", text))))
        right = right and not _chooses_other(question, text)
    said, spellings = _said(text), [spelling for answer in answers for spelling in _spellings(answer)]
    exact = any(spelling in spellings for part in said for spelling in _spellings(part) if spelling)
    return {
        "accuracy": float(right or exact),
        "exact_match": float(exact),
        "f1": max(token_f1(said[0], answer) for answer in answers),
    }


# A question for a title, whose plural is another thing: Alien is not "aliens".
ASKS_TITLE = re.compile(
    r"\b(?:which|what|(?:name|title) (?:of )?(?:the|this|a))\s+(?:[\w'\u2019-]+\s+){0,3}"
    r"(?:film|movie|book|novel|song|single|album|band|group|play|musical|opera|series|show|sitcom|game|magazine|newspaper|poem)\b",
    re.I,
)
ASKS_PERSON = re.compile(r"^\W*(?:[\w'\u2019]+ ){0,2}who(?:m|se|['\u2019]s)?\b", re.I)
ASKS_PLACE = re.compile(r"^\W*(?:where|(?:in |at |from )?(?:what|which) (?:city|town|village|place|location))\b", re.I)
ASKS = ((TITLE, ASKS_TITLE), (PERSON, ASKS_PERSON), (PLACE, ASKS_PLACE))
# A question that yes and no do not answer: "Yes" is a band.
ASKS_NAME = re.compile(r"\W*(?:\w+ )?(?:which|what|who|whose|name)\b", re.I)
# A question that names the scale of its answer: how many million people live there?
ASKS_SCALE = re.compile(r"\b(?:how many|in) (thousand|million|billion|trillion)s?\b", re.I)


def _scaled(question: Question) -> list[str]:
    """Return the numbers of the answers with the scale that the question names, if it names one."""
    scale = ASKS_SCALE.search(question.question)
    return [f"{answer} {scale[1]}" for answer in question.answers if scale and re.fullmatch(r"[\d.,]+", answer)]


def _said(text: str) -> list[str]:
    """Return the final answer, and what follows in its line: the end of its sentence may be an abbreviation's stop."""
    line, sentence = final_part(text)
    return [line[:sentence], *([line] if sentence < len(line) <= LONG else [])]


def _spellings(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return normalized(text), unhyphenated(text)


def score_choice(question: Question, output: str) -> Scores:
    """Return the scores of a multiple-choice question: 1 if the output chooses the right option."""
    return _all_or_nothing(chosen(own_turn(output), question.choices) in question.answers)


def score_closed(question: Question, output: str) -> Scores:
    """Return the scores of a closed question (true or false; yes, no or maybe): 1 if the verdict is right."""
    words = tuple(label.lower() for label, _ in question.choices)
    said = _verdict(question.question, own_turn(output), words)
    return _all_or_nothing(said in [answer.lower() for answer in question.answers])


def _verdict(question: str, text: str, words: Sequence[str]) -> str | None:
    return verdict(text, words) or denied_question(question, text, words)


# Which is older, Lyon or Paris?
OFFERED = re.compile(r"([^,:?]+?),? or (?:the |in )?([^,?]+?)\s*\?\s*$", re.I)
LAST_NAME = re.compile(r"(?:(?:[A-Z][\w.'\u2019-]*|\d+|of|the|and|in|de|van|von|&)\s+)*[A-Z][\w.'\u2019-]*\s*$")


def _chooses_other(question: Question, text: str) -> bool:
    """Return whether the text concludes with the other of two things that the question offers, or with both."""
    offered = OFFERED.search(question.question)
    if offered is None:
        return False
    accepted = forms(question.answers)
    one, other = offered.groups()
    if _mentions(other, accepted):
        name = LAST_NAME.search(one)
        other = name[0] if name else ""
    if not content(other) or _mentions(other, accepted):
        return False
    said, wrong = statements(canonical(final_part(text)[0])), forms((other.strip(),))
    if len(said) == 1 and BOTH.match(said[0]):
        once = len(outermost(mentions(said[0], accepted))) == 1  # a second time, it is told apart
        return _mentions(said[0], wrong) and once
    concluding = [sentence for sentence in said if CONCLUDES.match(sentence)]
    if not concluding or _mentions(concluding[-1], accepted) or NOT.search(concluding[-1]):
        return False
    # "So Lyon is the younger one" answers another question than which is older.
    added = {word for word in content(CONCLUDES.sub("", concluding[-1])) if word.isalpha()}
    restated = Restated(question.question, offers=True)
    return added <= content(question.question) and _states(concluding[-1], wrong, len(concluding[-1]), restated)


BOTH = re.compile(
    r"\W*both\b(?!.*(?:[;:(]|, (?!and\b)"
    r"|\b(?:but|while|whereas|with|although|though|yet|however|than|before|after)\b))",
    re.I,
)
NOT = re.compile(r"\bnot\b|n['\u2019]t\b", re.I)
CONCLUDES = re.compile(r"\W*(?:therefore|thus|hence|so|in conclusion|in summary|in short|overall)\b", re.I)


def _mentions(text: str, accepted: Sequence[Answer]) -> bool:
    return any(mentions(canonical(text), accepted))


def score_number(question: Question, output: str) -> Scores:
    """Return the scores of a calculation: 1 if the number is right, considering unit, sign and rounding."""
    text = own_turn(output)
    if question.answers[0] in ("yes", "no"):
        return _all_or_nothing(verdict(text, ("yes", "no")) == question.answers[0])
    return _all_or_nothing(same_number(question.question, question.answers, text))


def score_by_form(question: Question, output: str) -> Scores:
    """Return the scores of a user's own question: closed, multiple-choice, or open if it has no choices."""
    if not question.choices:
        return score_open(question, output)
    return (score_closed if question.is_closed else score_choice)(question, output)


def _all_or_nothing(right: bool) -> Scores:
    """Return the same value for all three scores."""
    return dict.fromkeys(("accuracy", "exact_match", "f1"), float(right))


def token_f1(output: str, answer: str) -> float:
    """Return SQuAD's F1: the harmonic mean of the words' precision and recall. A hyphen may divide words or not."""
    return max(_f1(said, wanted) for said, wanted in set(zip(_spellings(output), _spellings(answer), strict=True)))


def _f1(said: Sequence[str], wanted: Sequence[str]) -> float:
    common = (Counter(said) & Counter(wanted)).total()
    return 2 * common / (len(said) + len(wanted)) if common else 0.0


# William "Bill" Roache, William (Bill) Roache
NICKNAME = re.compile(
    r"\b(?!The\b)([A-Z][\w'\u2019-]*\.?) (?:[\"\u201c][A-Z][a-z]+[\"\u201d]|\([A-Z][a-z]+\))(?= [A-Z][a-z])"
)


def _quotes(answers: Sequence[str]) -> bool:
    """Return whether an answer has a nickname, which an output must then have too."""
    return any(re.search(r"[\"\u201c(]", answer) for answer in answers)


# A refusal, and what documents are about, which is no answer behind it: "They discuss Canada and Mexico."
SOURCES = r"(?:documents?|passages?|contexts?|texts?|sources?|articles?)"
REFUSAL = re.compile(
    r"\W*(?:(?:sorry|i'm sorry|i am sorry|unfortunately)\b[^.]{0,20}?)?"
    r"(?:insufficient|not enough|unable to|no information|there is (?:no|not enough)\b"
    r"|i (?:cannot|can't|can not|could not|couldn't|am unable|do not have|don't have)"
    rf"|(?:the |these )?(?:\w+ )?{SOURCES} (?:do|does)(?: not|n't))\b",
    re.I,
)
TOPICS = re.compile(
    rf"(?<=[.;] )(?:they|it|(?:the|these|all)(?: \w+)? {SOURCES})(?: only| mainly| mostly| just)?"
    r" (?:discuss|mention|talk about|cover|describe|are about|is about|focus on|refer to)(?:s|es)?\b"
    r"(?! that\b)(?![^.;]*\bas\b)[^.;]*",
    re.I,
)


def answered(text: str, answers: tuple[str, ...], question: str) -> bool:
    """Return whether the text's final answer asserts one of the answers."""
    accepted = forms(answers, next((kind for kind, asks in ASKS if asks.search(question)), ""))
    restated = Restated(question, offers=_mentions(question, accepted))
    text = TOPICS.sub("", text) if REFUSAL.match(text) else text
    line, sentence = final_part(NICKNAME.sub(r"\1", text) if NICKNAME.search(text) and not _quotes(answers) else text)
    rest, final = canonical(line), canonical(line[:sentence])
    # An answer may go on behind the stop of an abbreviation (Roe v. Wade), so we only look where it begins.
    if _guesses(final, accepted):
        return False
    if any(start < len(final) for start, _ in mentions(rest, accepted)):
        return _states(rest, accepted, len(final), restated)
    return any(_states_parts(final, answer, restated) for answer in answers)


def _states(text: str, accepted: Sequence[Answer], limit: int, restated: Restated) -> bool:
    """Return whether the text asserts an answer that begins before the index `limit`."""
    found = outermost((start, end) for start, end in mentions(text, accepted) if start < limit)
    for start, end in found:
        mention = Mention(text[start:end], *map(restated.blanked, around(text, start, end)))
        if asserted(mention.before, mention.after) and not _hedged(mention, accepted):
            return True
    return False


def _states_parts(text: str, answer: str, restated: Restated) -> bool:
    """Return whether the text states all parts of an answer such as "A, B and C", in any order."""
    parts = [part for part in re.split(r",\s*(?:and\s+)?|\s+(?:and|&)\s+", answer) if part]
    joined = re.search(r"\band\b|&", answer) or (len(parts) > 2 and all(len(part.split()) < 4 for part in parts))
    if len(parts) < 2 or not joined or re.search(r"\d", re.sub(r"\b[12]\d{3}\b", "", answer)):
        return False
    each = [forms((part,)) for part in parts]
    # "Samuel Johnson" does not state Johnson & Johnson.
    places = outermost(place for part in each for place in mentions(text, part))
    return len(places) >= len(parts) and all(_states(text, part, len(text), restated) for part in each)


class Mention(NamedTuple):
    """A mention of an answer, and the words of its sentence before and after it."""

    said: str
    before: str
    after: str


OTHER_LIKELIER = re.compile(
    r"\bbut (?:\w+ ){1,4}(?:is|was|seems) (?:the |more |most )*(?:likelier|likely|better|correct|right|best)\b", re.I
)
# "It is Lyon or Paris" says no more than "Lyon or Paris".
IT_IS = re.compile(
    r"\W*(?:it|this|that|he|she|they|the answer) (?:is|was|are|were)\b(?! (?:\w+ )?(?:called|known|named|termed)\b)",
    re.I,
)
BARE = 5  # words around an answer, at most, in an output that is nothing but two guesses
NAME_FIRST = re.compile(r"(?:(?:the|an?|in|on|at|by|of|from|about) )?[A-Z\d]")
NAME_LAST = re.compile(r"(?:\b[A-Z][\w.'\u2019-]*|\b\d[\w.,%]*)\s*$")


def _hedged(mention: Mention, accepted: Sequence[Answer]) -> bool:
    """Return whether a mention is one of several guesses, such as one side of an "or" whose other side is wrong.

    An "or" also stands between two words for one thing (dawn or sunrise). So in a longer sentence, only names and
    numbers are guesses, unless a word such as "either" or "perhaps" says so.
    """
    said, before, after = mention
    other_after = re.match(r"[^\w,;]+or\s+(.*)", after, re.S | re.I)
    other_before = re.search(r"(.*[^,])\s+or\s+\W*(?:\w+\W+){0,2}$", before, re.S | re.I)
    unsure = UNSURE.search(before, max((one.end() for one in CONTRAST.finditer(before)), default=0))
    doubtful = unsure or IT_IS.match(before) or len(re.findall(r"\w+", before + after)) <= BARE
    named = said[:1].isupper() or said[:1].isdigit()
    if other_after and not _begins(other_after[1], accepted):
        return bool(doubtful or (named and NAME_FIRST.match(other_after[1])))
    if other_before and not any(mentions(other_before[1], accepted)):
        return bool(doubtful or (named and NAME_LAST.search(other_before[1])))
    if unsure and OTHER_LIKELIER.search(after):
        return True
    rest = f"{before[unsure.end() :]} | {after}" if unsure else ""
    return bool(re.search(r"\bor\b", rest, re.I)) and not (other_after or other_before)


def _begins(text: str, accepted: Sequence[Answer]) -> bool:
    return any(start <= len("the same, the ") for start, _ in mentions(text, accepted))


def _guesses(text: str, accepted: Sequence[Answer]) -> bool:
    """Return whether a text is only a list of guesses, few of which are answers."""
    items = [item for item in ITEM.split(re.sub(r"^\s*(?:\d+[.)]|[-*])\s*", "", text, flags=re.M)) if item.strip(" .")]
    if len(items) < GUESSES or any(len(item.split()) > 4 for item in items):
        return False
    right = sum(any(mentions(item, accepted)) for item in items)
    whole = any(mentions(text.split("\n")[0], accepted)) and right == 0  # an answer that contains commas
    return right * 4 < len(items) and not whole
