"""The questions that a clause answers: about its time, its place, who did it, how many, how long, what it is."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import structs

from rag_instruct.synthesis.clauses import (
    OWN,
    SAYING,
    SURE_TIME,
    TIME,
    YEAR,
    Clause,
    Part,
    active_past,
    kept,
    points,
    text_of,
)
from rag_instruct.synthesis.facts import UNITS, Fact
from rag_instruct.synthesis.subjects import NAMES, Topic, is_human
from rag_instruct.words import word_set

if TYPE_CHECKING:
    from spacy.tokens import Token

CREATING = word_set(
    "direct write find discover invent compose design establish paint build publish produce create develop launch "
    "sculpt engineer introduce"
)
WITH_PERSON = word_set("marry succeed defeat replace portray play meet appoint")
LIFE = word_set("bear die bury baptise baptize")  # verbs whose question needs nothing else
PLACED = word_set(
    "bear die bury locate situate live lie base stand hold headquarter find settle raise build originate take "
    "occur perform study work play meet film shoot set publish hang sit store keep place educate teach release "
    "premiere baptise marry crown graduate debut construct discover reside end start begin flow rise grow"
)
OPINIONS = word_set("describe consider regard call know recognise recognize praise criticise criticize see view")
FOUNDING = word_set("found establish build open complete form create erect construct incorporate organise organize")
ANOTHER_TIME = re.compile(r"\band (?:again )?(?:in|on)\b.*\d{4}")
SIZES = word_set("long tall high deep wide old thick")
# Verbs that say little alone: "When was he appointed?" asks for what.
NEEDING = word_set(
    "act appoint appear ask assess assign award become call cast choose come continue designate drop elect fall "
    "follow get give go grant hold include induct invite join keep lead list make move name nominate offer place play "
    "promote put rank rate receive represent return run select send serve set stay take teach tell transfer turn use "
    "vote want win"
)
TIMES = word_set("year month day week hour minute second time percent")  # "how many times" is rarely meant
DATED_WORKS = word_set("film movie album song single novel book game drama comedy thriller")
WRITTEN = ("novel", "book")
FINAL = {  # verbs with the preposition that ends their question: "What is X made of?"
    ("base", "on"), ("make", "of"), ("use", "for"), ("know", "as"), ("name", "after"), ("consist", "of"),
    ("belong", "to"), ("feed", "on"), ("derive", "from"), ("compose", "of"), ("connect", "to"), ("depend", "on"),
    ("lead", "to"), ("refer", "to"), ("dedicate", "to"), ("convert", "into"), ("turn", "into"), ("rename", "to"),
    ("specialise", "in"), ("specialize", "in"), ("focus", "on"), ("work", "as"), ("serve", "as"), ("run", "on"),
    ("store", "in"), ("keep", "in"), ("fill", "with"), ("cover", "with"), ("replace", "with"), ("protect", "against"),
    ("mix", "with"), ("employ", "as"), ("die", "of"), ("die", "from"), ("suffer", "from"), ("build", "of"),
    ("live", "on"), ("graduate", "from"), ("originate", "from"), ("study", "at"), ("educate", "at"), ("flow", "into"),
    ("charge", "with"), ("dissolve", "in"), ("power", "by"), ("translate", "as"),
}  # fmt: skip
LONGEST_TARGET, LONGEST_QUESTION, LONGEST_STATEMENT = 16, 24, 40  # words


def facts_of(clause: Clause, topic: Topic) -> Iterator[Fact]:
    """Yield what can be asked about a clause, and descriptions of the names in it."""
    if clause.subject == topic.name and topic.defined_by == clause.verb.doc.text:
        yield from _definition(clause, topic)
        yield from _participles(clause, topic)
    if (clause.verb.lemma_ not in SAYING or clause.passive) and len(clause.of_role("date")) < 2:
        for part in clause.parts:
            yield from _about_part(clause, part)
        yield from _creator(clause, topic)
        yield from _links(clause, topic)


def _fact(clause: Clause, part: Part, asks: str, word: str, without: tuple[Part, ...] = ()) -> Fact:
    """Return the fact of a part, with the question word at the front and without some other parts."""
    gone = (part, *without)
    opened = clause.statement(gone)
    return Fact(
        "",
        clause.subject,
        asks,
        part.asked_for,
        f"{_capital(word)} {clause.inverted(gone)}?",
        f"{word} {opened}",
        clause.statement(without),
        opened,
        clause.relation,
        part.label,
    )


def _about_part(clause: Clause, part: Part) -> Iterator[Fact]:
    asked = {
        "date": _time,
        "place": _place,
        "agent": _agent,
        "object": _object,
        "complement": _size,
        "prep": _final_preposition,
    }
    if part.role in asked and not _says_little(clause, part):
        yield from asked[part.role](clause, part)


def _says_little(clause: Clause, part: Part) -> bool:
    """Say whether a question about a part has too few other words to say what it means."""
    others = [one for one in clause.parts if one is not part and one.role not in ("agent", "date")]
    return clause.verb.lemma_ in NEEDING and not others and part.role in ("date", "agent")


def _time(clause: Clause, part: Part) -> Iterator[Fact]:
    said = clause.of_role("complement")
    if clause.be and (not said or said[0].words[0].lower_ in ("a", "an", "the", "one")):
        return  # "When was she a member of ...?" asks for no event
    if not clause.past and YEAR.search(part.text) and part.prep not in ("since", "until"):
        return  # "is released in 1955"
    rest = part.root.doc[part.words[-1].i + 1 :].text
    if ANOTHER_TIME.search(rest) or (part.prep == "from" and not re.search(r" (to|until|till|through) ", part.text)):
        return
    numbered = any(word.pos_ == "NUM" for one in clause.of_role("object") for word in one.words)
    if len(clause.of_role("date")) == 1 and not numbered and (SURE_TIME if clause.past else TIME).search(part.text):
        word = {"since": "since when", "until": "until when"}.get(part.prep, "when")
        done = clause.of_role("agent") if clause.passive else []
        alone = not clause.of_role("object") and clause.subject.split()[0] not in ("a", "an")
        if clause.verb.lemma_ in FOUNDING and alone:
            done += [
                one for one in clause.of_role("place", "prep") if one.prep in ("in", "at", "on", "near", "with", "for")
            ]
        yield _fact(clause, part, "when", word, _not_asked(clause, part) or tuple(done))


def _place(clause: Clause, part: Part) -> Iterator[Fact]:
    placed = clause.verb.lemma_ in PLACED or (clause.be and not clause.of_role("complement"))
    if placed and len(clause.of_role("place")) == 1:
        dates = tuple(clause.of_role("date")) if clause.passive else ()
        yield _fact(clause, part, "where", "where", _not_asked(clause, part) or dates)


def _not_asked(clause: Clause, part: Part) -> tuple[Part, ...]:
    """Return the parts that a question about a birth or a death goes without: all others."""
    return tuple(one for one in clause.parts if one is not part) if clause.verb.lemma_ in LIFE else ()


def _agent(clause: Clause, part: Part) -> Iterator[Fact]:
    """Yield "Who directed X?" for "X was directed by N"."""
    explained = any(
        word.dep_ == "appos" and word not in part.words for word in part.root.subtree
    )  # "the mayor, Ann Lee"
    noun = next((word for word in part.root.children if word.dep_ in ("pobj", "pcomp")), part.root)
    somebody = noun.ent_type_ in ("PERSON", "ORG", "GPE", "NORP") or is_human([noun.lemma_.lower()])
    named = part.label and somebody and not explained
    if named and clause.active and len(part.target) <= 12 and clause.verb.lemma_ not in OPINIONS:
        dates = tuple(clause.of_role("date"))
        said = " ".join(filter(None, (clause.active, clause.subject, clause.body((part, *dates)))))
        yield changed(
            _fact(clause, part, "who", "who", dates),
            question=f"Who {said}?",
            indirect=f"who {said}",
            relative=f"who {said}",
        )


def _creator(clause: Clause, topic: Topic) -> Iterator[Fact]:
    """Yield "Who directed X?" for "N directed X"."""
    thing = next(iter(clause.of_role("object")), None)
    known = clause.head.ent_type_ in ("PERSON", "ORG") or (topic.person and clause.subject == topic.name)
    more = clause.verb.doc[clause.verb.i + 1].text in (",", "and", "or")  # "wrote, produced and directed"
    if (
        not known
        or thing is None
        or clause.aux
        or more
        or clause.verb.tag_ != "VBD"
        or clause.verb.lemma_ not in CREATING
    ):
        return
    if any(word.ent_type_ in NAMES - {"PERSON", "NORP"} for word in thing.target) and not thing.says(*OWN):
        said = f"{clause.verb_text} {clause.body()}"
        yield Fact(
            "", clause.subject, "who", clause.subject, f"Who {said}?", f"who {said}", clause.statement(), said,
            clause.relation, "PERSON", relative=f"who {said}",
        )  # fmt: skip


def _object(clause: Clause, part: Part) -> Iterator[Fact]:
    number = next((word for word in part.root.children if word.dep_ == "nummod" and word.like_num), None)
    if number is not None:
        yield from _count(clause, part, number)
    elif is_person(part) and clause.verb.lemma_ in WITH_PERSON:
        yield changed(_fact(clause, part, "who", "whom"), relative=f"whom {clause.statement((part,))}")
    elif clause.verb.lemma_ == "have" and not clause.aux and part.words[0].lower_ in ("a", "an"):
        yield from _attribute(clause, part)


def is_person(part: Part) -> bool:
    """Say whether a part is a person's name. The parser takes other names with an article for people, too."""
    return part.label == "PERSON" and part.target[0].lower_ not in ("the", "a", "an")


def _count(clause: Clause, part: Part, number: "Token") -> Iterator[Fact]:
    """Yield "How many rooms does X have?" for "X has 44 rooms"."""
    end = max(word.i for word in number.subtree)
    figure = [word for word in part.words if number.left_edge.i <= word.i <= end]
    cut = {
        one.i
        for word in part.words
        if word.dep_ == "prep" and word.i > end and word.lower_ != "of"
        for one in word.subtree
    }
    noun = [word for word in part.words if word.i > end and word.i not in cut]
    unclear = (
        not figure
        or part.words[0].i < figure[0].i
        or figure[0].pos_ in ("DET", "PRON")
        or number.lower_ == "one"
        or YEAR.fullmatch(number.text)
    )
    if unclear or not noun or part.root.lemma_ in TIMES or part.root.pos_ != "NOUN":
        return
    if any(word.dep_ in ("cc", "conj") or word.lower_ in ("other", "additional", "further", "new") for word in noun):
        return
    fact = _fact(clause, part, "count", f"how many {text_of(noun)}")
    yield changed(
        fact, target=text_of([*figure, *noun]), relation=f"{clause.relation} {text_of(noun)}", label="CARDINAL"
    )


def _attribute(clause: Clause, part: Part) -> Iterator[Fact]:
    """Yield "What is the height of X?" for "X has a height of 20 m"."""
    of = next((word for word in part.root.children if word.dep_ == "prep" and word.lower_ == "of"), None)
    if of is None or not any(word.like_num for word in of.subtree):
        return
    name = text_of([word for word in part.words if part.words[0].i < word.i < of.i])
    what, be = f"the {name} of {clause.subject}", "was" if clause.past else "is"
    target = text_of([word for word in part.words if word.i > of.i]).split(" and ")[0]
    if name and target:
        yield Fact(
            "", clause.subject, "count", target, f"What {be} {what}?", f"what {what} {be}", clause.statement(),
            f"{what} {be}", name, "QUANTITY",
        )  # fmt: skip


def _size(clause: Clause, part: Part) -> Iterator[Fact]:
    """Yield "How long is X?" for "X is 20 km long", and "What is X's population?" for "X's population is 300"."""
    if not clause.be or not any(word.like_num for word in part.words):
        return
    size = part.root.lower_
    if size in SIZES:
        said = text_of([word for word in part.words if word.i < part.root.i])
        be = clause.verb.text
        yield Fact(
            "", clause.subject, "count", said, f"How {size} {be} {clause.subject}?",
            f"how {size} {clause.subject} {be}", clause.statement(), f"{clause.subject} {be}", size, "QUANTITY",
        )  # fmt: skip
    elif (
        part.root.dep_ == "attr"
        and (part.root.tag_ == "CD" or size in UNITS)
        and re.search(r" of |'s? ", clause.subject)
    ):
        yield _fact(Clause(clause.subject, clause.head, clause.verb, [], (part,)), part, "count", "what")


def _final_preposition(clause: Clause, part: Part) -> Iterator[Fact]:
    key = (clause.verb.lemma_, part.prep)
    alone = sum(one.prep == part.prep for one in clause.parts) == 1
    alone &= clause.verb.lemma_ not in ("lead", "run", "live") or not clause.of_role("object")
    known = key[0] == "know" and not (clause.passive and part.root.i == clause.verb.i + 1)
    if key not in FINAL or not alone or len(part.target) > 12 or known:
        return
    if part.prep == "at" or (part.label == "ORG" and part.prep == "from"):
        yield _fact(clause, part, "where", "where")
        return
    word = "whom" if is_person(part) and part.prep in ("after", "to") else "what"
    rest = tuple(clause.of_role("date", "prep", "place", "other"))
    fact = _fact(clause, part, "what", word)
    yield changed(
        fact,
        question=f"{_capital(word)} {clause.inverted(rest)} {part.prep}?",
        indirect=f"{word} {clause.statement(rest)} {part.prep}",
    )


def _definition(clause: Clause, topic: Topic) -> Iterator[Fact]:
    """Yield "Who was X?" for "X was a painter", and when a work came out for "X is a 1949 film"."""
    part = _said_to_be(clause)
    if part is None:
        return
    word, be, name = "who" if topic.person else "what", clause.verb.text, clause.subject
    said = _shortened(part)
    if said and part.words[0].lower_ in ("a", "an", "the", "one"):
        yield Fact(
            "", name, "definition", said, f"{_capital(word)} {be} {name}?", f"{word} {name} {be}",
            f"{name} {be} {said}", f"{name} {be}", "be", topic.noun,
        )  # fmt: skip
    year = next((one.text for one in part.words if YEAR.fullmatch(one.text) and one.i < part.root.i), "")
    if year and topic.noun in DATED_WORKS:
        done = f"was {name} {'published' if topic.noun in WRITTEN else 'released'}"
        said = f"{name} was {done.split()[-1]}"
        yield Fact(
            "", name, "when", year, f"In which year {done}?", f"in which year {said}", f"{said} in {year}", said,
            "publish" if topic.noun in WRITTEN else "release", "DATE",
        )  # fmt: skip


def _shortened(part: Part) -> str:
    """Return what a subject is said to be, up to the last whole phrase that fits, or "" if the parser lost its end."""
    words, doc = part.words, part.root.doc
    after = doc[words[-1].i + 1] if words[-1].i + 1 < len(doc) else None
    if (
        after is not None
        and not (after.is_punct and after.text not in "-\u2013\u2014/")
        and after.tag_ not in ("WDT", "WP", "WP$", "WRB")
    ):
        return ""
    ends = [one.left_edge.i for one in part.root.subtree if _can_go(one) and one.i > part.root.i]
    while len(words) > LONGEST_TARGET and ends:
        end = ends.pop()
        words = [word for word in words if word.i < end]
    said = text_of(words)
    return said[:1].lower() + said[1:] if 3 <= len(words) <= LONGEST_TARGET else ""


def _can_go(word: "Token") -> bool:
    """Say whether a phrase stands without what a word begins. "Of" says what a thing is."""
    return (word.dep_ in ("prep", "acl", "relcl") and word.lower_ != "of") or (
        word.dep_ == "cc" and word.head.dep_ == "attr"
    )


def _participles(clause: Clause, topic: Topic) -> Iterator[Fact]:
    """Yield "Who directed X?" for "X is a film directed by N"."""
    part = _said_to_be(clause)
    if part is None or topic.person:
        return
    for word in part.root.subtree:
        own = word.dep_ == "acl" and word.head.i == part.root.i
        joined = word.dep_ == "conj" and word.head.dep_ in ("acl", "conj")
        by = next((one for one in word.children if one.dep_ == "agent"), None)
        noun = next((one for one in by.children if one.dep_ == "pobj"), None) if by is not None else None
        if word.tag_ != "VBN" or not (own or joined) or noun is None or noun.ent_type_ not in ("PERSON", "ORG"):
            continue
        name = [one for one in kept(noun) if not _explains(one, noun)]
        if len(name) > 10 or points(name) or any(one.lower_ in OWN for one in name):
            continue
        be = "were" if clause.verb.lower_ in ("are", "were") else "was"
        said, opened = f"{active_past(word.lower_)} {clause.subject}", f"{clause.subject} {be} {word.lower_}"
        yield Fact(
            "", clause.subject, "who", text_of(name), f"Who {said}?", f"who {said}", f"{opened} by {text_of(name)}",
            opened, word.lemma_, noun.ent_type_, relative=f"who {said}",
        )  # fmt: skip


def _explains(word: "Token", noun: "Token") -> bool:
    """Say whether a word is in a phrase behind a name that is no part of it: "by Ann Lee about two families"."""
    up = [one for one in (word, *word.ancestors) if one.i > noun.i and one.dep_ == "prep"]
    return word.i > noun.i and any(one.lower_ not in ("of", "de") for one in up)


def _said_to_be(clause: Clause) -> Part | None:
    """Return what the subject is said to be: a noun that is no name of a place or a person."""
    found = (part for part in clause.of_role("complement") if part.root.dep_ == "attr")
    part = next(found, None) if clause.be else None
    return None if part is None or part.root.ent_type_ in ("GPE", "PERSON") else part


def _links(clause: Clause, topic: Topic) -> Iterator[Fact]:
    """Yield descriptions of names by the clause, with which a question can mean them without naming them."""
    if not topic.name or topic.name not in clause.subject:
        return
    for part in clause.parts:
        named = part.label in NAMES or (part.target and part.target[-1].pos_ == "PROPN")
        if part.role in ("place", "prep", "object") and named and len(part.target) <= 6:
            name = re.sub(r"^(the|a|an) ", "", text_of(part.target), flags=re.I)
            rest = clause.statement((part, *clause.of_role("date")))
            relative = f"{part.prep} which {rest}" if part.prep else f"that {rest}"
            yield Fact(
                "", clause.subject, "link", name, "", "", clause.statement(), rest, clause.relation, part.label,
                relative=relative,
            )  # fmt: skip


def changed(fact: Fact, **changes: str) -> Fact:
    return structs.replace(fact, **changes)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# What shows in a question that the parser or the text is wrong, or that something is missing.
DAMAGE = re.compile(
    r"(?i:\b(\w+) \1\b)|[()\[\]\"&/]| ,|,,| \.|\d-$|  |[!?.]\?"
    r"|^\w+ (?:does|is|was|has)\b.* their\b",
)
# In a question, half of an explanation; lists are none.
HALF = re.compile(r", (?!and |or |which |\w+(?: \w+)?,? (?:and|or) |\w+(?: \w+)?, )[a-z]")
# In a statement: what stood in parentheses is gone.
GAP = re.compile(r"\b(?:in|of|for|by|at|on|with|from|to|and|or|the|a|an|as)$|\b(?:a|an|the) (?:in|on|at|by|for|from)\b")


def reads_well(fact: Fact) -> bool:
    """Say whether question and answer are neither too short nor too long, and free of damage."""
    if not 3 <= len(fact.question.split()) <= LONGEST_QUESTION or len(fact.statement.split()) > LONGEST_STATEMENT:
        return False
    if (
        len(fact.target.split()) > LONGEST_TARGET
        or not re.search(r"[^\W_]", fact.target)
        or re.match(r"0\d", fact.target)
    ):
        return False
    if (
        DAMAGE.search(fact.question)
        or DAMAGE.search(fact.target)
        or GAP.search(fact.statement)
        or HALF.search(fact.question)
    ):
        return False
    if fact.asks == "when" and re.search(r" (?:at|for|with|by|near) ", fact.target):
        return False
    return fact.asks in ("what", "definition") or fact.target not in fact.question
