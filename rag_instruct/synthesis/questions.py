"""The questions that a clause answers: about its time, its place, who did it, how many, how long, what it is."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import structs

from rag_instruct.synthesis.clauses import (
    POSSESSIVES,
    SAYING,
    TIME,
    YEAR,
    YEAR_OR_CENTURY,
    Clause,
    Part,
    active_past,
    capitalised,
    core_of,
    has_pointing_word,
    text_of,
    uncapitalised,
)
from rag_instruct.synthesis.facts import THING, UNIT_NAMES, Fact
from rag_instruct.synthesis.subjects import NAMES, Topic, is_human
from rag_instruct.words import word_set

if TYPE_CHECKING:
    from spacy.tokens import Token

CREATING = word_set(
    "direct write find discover invent compose design establish paint build publish produce create develop launch "
    "sculpt engineer introduce"
)
WITH_PERSON = word_set("marry succeed defeat replace portray play meet appoint")
LIFE = word_set("bear die bury baptise baptize")  # "was born" and "died" need no other words: "When was Ann Lee born?"
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
# Verbs and nouns that do not say what is asked for: "What did X make in 1920?"
VAGUE = word_set(
    "be do have make take get give go see reach cause begin start end leave hold keep use need want like let help try "
    "allow enable bring put show follow face suffer experience undergo gain lose share remain become include involve "
    "enter join win lead change increase reduce continue"
)
VAGUE_NOUNS = word_set(
    "part number series lot variety time place way role step position use care action control effort attention "
    "advantage effect impact range rest majority half kind type sort form"
)
THINGS = ("GPE", "LOC", "FAC", "WORK_OF_ART", "EVENT", "PRODUCT", "LAW", "LANGUAGE")
VAGUE_DETERMINERS = ("some", "many", "several", "any", "no", "all", "more", "most", "few", "other", "another", "new")
TIME_NOUNS = word_set("year month day week hour minute second time percent")  # "how many times" is rarely meant
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
        yield from _doer(clause)
        yield from _descriptions(clause, topic)


def _fact(clause: Clause, part: Part, asks: str, question_word: str, without: tuple[Part, ...] = ()) -> Fact:
    """Return the fact that asks for a part. Question and statement leave out the parts `without`."""
    open_statement = clause.statement((part, *without))
    return Fact(
        sentence="",
        subject=clause.subject,
        asks=asks,
        target=part.asked_for,
        question=f"{capitalised(question_word)} {clause.inverted((part, *without))}?",
        indirect=f"{question_word} {open_statement}",
        statement=clause.statement(without),
        open=open_statement,
        relation=clause.relation,
        label=part.label,
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
    """Yield "When did X open?" for "X opened in 1901"."""
    if _is_event(clause) and _is_its_only_time(clause, part):
        word = {"since": "since when", "until": "until when"}.get(part.prep, "when")
        yield _fact(clause, part, "when", word, _all_others(clause, part) or _needless_for_time(clause))


def _is_event(clause: Clause) -> bool:
    """Say whether a clause tells what happened, unlike "She was a member in 1901" and "She was there in 1901"."""
    complements = clause.of_role("complement")
    return not clause.be or (bool(complements) and complements[0].words[0].lower_ not in ("a", "an", "the", "one"))


def _is_its_only_time(clause: Clause, part: Part) -> bool:
    """Say whether a part tells the whole time of a clause, exactly enough to ask for it."""
    if not clause.past and YEAR.search(part.text) and part.prep not in ("since", "until"):
        return False  # "is released in 1955"
    if part.prep == "from" and not re.search(r" (to|until|till|through) ", part.text):
        return False  # the parser has lost the end of "from 1885 to 1910"
    if ANOTHER_TIME.search(part.root.doc[part.words[-1].i + 1 :].text):
        return False  # "in 2007 because of rain and in 2020 because of snow"
    if any(word.pos_ == "NUM" for one in clause.of_role("object") for word in one.words):
        return False  # "won 40 games in 1901" answers how many
    time = YEAR_OR_CENTURY if clause.past else TIME  # "in May" is enough only for what happens each year
    return bool(time.search(part.text))


def _needless_for_time(clause: Clause) -> tuple[Part, ...]:
    """Return the parts that a question about time leaves out.

    These are who did it, and what else is said of a founding: "The school was built in 1896 in Vik by the parish".
    """
    agents = clause.of_role("agent") if clause.passive else []
    one_thing = not clause.of_role("object") and clause.subject.split()[0] not in ("a", "an")
    if clause.verb.lemma_ not in FOUNDING or not one_thing:
        return tuple(agents)
    preps = ("in", "at", "on", "near", "with", "for")
    return (*agents, *(one for one in clause.of_role("place", "prep") if one.prep in preps))


def _place(clause: Clause, part: Part) -> Iterator[Fact]:
    """Yield "Where does X lie?" for "X lies in Norway"."""
    placed = clause.verb.lemma_ in PLACED or (clause.be and not clause.of_role("complement"))
    if placed and len(clause.of_role("place")) == 1:
        dates = tuple(clause.of_role("date")) if clause.passive else ()
        yield _fact(clause, part, "where", "where", _all_others(clause, part) or dates)


def _all_others(clause: Clause, part: Part) -> tuple[Part, ...]:
    """Return all other parts if a clause tells a birth, a death or a burial; else ().

    Only the subject is born or buried: "Ann Lee bore a son in 1920" is another event.
    """
    if clause.verb.lemma_ not in LIFE or not (clause.passive or clause.verb.lemma_ == "die"):
        return ()
    return tuple(one for one in clause.parts if one is not part)


def _agent(clause: Clause, part: Part) -> Iterator[Fact]:
    """Yield "Who directed X?" for "X was directed by N"."""
    if clause.active and len(part.target) <= 12 and clause.verb.lemma_ not in OPINIONS and _is_somebody(part):
        dates = tuple(clause.of_role("date"))
        said = " ".join(filter(None, (clause.active, clause.subject, clause.body((part, *dates)))))
        yield structs.replace(
            _fact(clause, part, "who", "who", dates),
            question=f"Who {said}?",
            indirect=f"who {said}",
            relative=f"who {said}",
        )


def _is_somebody(part: Part) -> bool:
    """Say whether an agent has a name, is a person or a body of people, and no apposition: "the mayor, Ann Lee"."""
    noun = next((word for word in part.root.children if word.dep_ in ("pobj", "pcomp")), part.root)
    somebody = noun.ent_type_ in ("PERSON", "ORG", "GPE", "NORP") or is_human([noun.lemma_.lower()])
    explained = any(word.dep_ == "appos" and word not in part.words for word in part.root.subtree)
    return bool(part.label) and somebody and not explained


def _creator(clause: Clause, topic: Topic) -> Iterator[Fact]:
    """Yield "Who directed X?" for "N directed X"."""
    work = _object_in_past(clause)
    if work is None or clause.verb.lemma_ not in CREATING or work.says(*POSSESSIVES):
        return
    somebody = clause.head.ent_type_ in ("PERSON", "ORG") or (topic.person and clause.subject == topic.name)
    if somebody and any(word.ent_type_ in NAMES - {"PERSON", "NORP"} for word in work.target):
        yield _who(clause, "PERSON")


def _doer(clause: Clause) -> Iterator[Fact]:
    """Yield "Who sold Alaska to the United States in 1867?" for "N sold Alaska to the United States in 1867".

    The question needs a name and a year: many have sold something at some time.
    """
    too_vague = clause.verb.lemma_ in CREATING | VAGUE | OPINIONS or not _has_year(clause)
    if too_vague or _object_in_past(clause) is None or any(part.says(*POSSESSIVES) for part in clause.parts):
        return
    others = [word for part in clause.parts if part.role != "date" for word in part.target]
    if clause.head.ent_type_ in ("PERSON", "ORG") and any(word.ent_type_ in NAMES for word in others):
        yield _who(clause, clause.head.ent_type_)


def _object_in_past(clause: Clause) -> Part | None:
    """Return the object of a verb in the simple past, or None. Joined verbs ("wrote and directed") have none."""
    work = next(iter(clause.of_role("object")), None)
    if work is None or clause.aux or clause.verb.tag_ != "VBD":
        return None
    return None if clause.verb.doc[clause.verb.i + 1].text in (",", "and", "or") else work


def _who(clause: Clause, label: str) -> Fact:
    """Return the fact that asks for the subject."""
    said = f"{clause.verb_text} {clause.body()}"
    return Fact(
        sentence="",
        subject=clause.subject,
        asks="who",
        target=clause.subject,
        question=f"Who {said}?",
        indirect=f"who {said}",
        statement=clause.statement(),
        open=said,
        relation=clause.relation,
        label=label,
        relative=f"who {said}",
    )


def _has_year(clause: Clause) -> bool:
    return any(YEAR_OR_CENTURY.search(part.text) for part in clause.of_role("date"))


def _object(clause: Clause, part: Part) -> Iterator[Fact]:
    number = next((word for word in part.root.children if word.dep_ == "nummod" and word.like_num), None)
    if number is not None:
        yield from _count(clause, part, number)
    elif is_person(part) and clause.verb.lemma_ in WITH_PERSON:  # "Whom did X marry?"
        yield structs.replace(_fact(clause, part, "who", "whom"), relative=f"whom {clause.statement((part,))}")
    elif clause.verb.lemma_ == "have" and not clause.aux and part.words[0].lower_ in ("a", "an"):
        yield from _attribute(clause, part)
    else:
        yield from _thing(clause, part)


def _thing(clause: Clause, part: Part) -> Iterator[Fact]:
    """Yield "What did ABC debut in 1963?" for "ABC debuted the soap opera General Hospital in 1963"."""
    verb, noun = clause.verb.lemma_, part.root
    says_much = verb not in NEEDING | VAGUE | OPINIONS | WITH_PERSON and noun.lemma_.lower() not in VAGUE_NOUNS
    named = noun.ent_type_ in THINGS or part.words[0].lower_ in ("the", "a", "an")  # a bare name may be a person's
    is_thing = noun.ent_type_ not in ("PERSON", "DATE", "TIME", "NORP") and (noun.pos_ == "NOUN" or named)
    only_one = len(clause.of_role("object")) == 1 and not any(word.dep_ == "conj" for word in part.words)
    if says_much and is_thing and only_one and _has_year(clause) and not part.says(*POSSESSIVES, *VAGUE_DETERMINERS):
        yield structs.replace(_fact(clause, part, "what", "what"), label=THING)


def is_person(part: Part) -> bool:
    """Say whether a part is a person's name. The parser takes other names with an article for people, too."""
    return part.label == "PERSON" and part.target[0].lower_ not in ("the", "a", "an")


def _count(clause: Clause, part: Part, number: "Token") -> Iterator[Fact]:
    """Yield "How many rooms does X have?" for "X has 44 rooms"."""
    end = max(word.i for word in number.subtree)
    figure = [word for word in part.words if number.left_edge.i <= word.i <= end]
    details = {
        one.i
        for word in part.words
        if word.dep_ == "prep" and word.i > end and word.lower_ != "of"
        for one in word.subtree
    }
    counted = [word for word in part.words if word.i > end and word.i not in details]
    unclear = (
        not figure
        or part.words[0].i < figure[0].i
        or figure[0].pos_ in ("DET", "PRON")
        or number.lower_ == "one"
        or YEAR.fullmatch(number.text)
    )
    if unclear or not counted or part.root.lemma_ in TIME_NOUNS or part.root.pos_ != "NOUN":
        return
    if any(word.dep_ in ("cc", "conj") or word.lower_ in ("other", "additional", "further", "new") for word in counted):
        return
    yield structs.replace(
        _fact(clause, part, "count", f"how many {text_of(counted)}"),
        target=text_of([*figure, *counted]),
        relation=f"{clause.relation} {text_of(counted)}",
        label="CARDINAL",
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
            sentence="",
            subject=clause.subject,
            asks="count",
            target=target,
            question=f"What {be} {what}?",
            indirect=f"what {what} {be}",
            statement=clause.statement(),
            open=f"{what} {be}",
            relation=name,
            label="QUANTITY",
        )


def _size(clause: Clause, part: Part) -> Iterator[Fact]:
    """Yield "How long is X?" for "X is 20 km long", and "What is X's population?" for "X's population is 300"."""
    if not clause.be or not any(word.like_num for word in part.words):
        return
    last, be = part.root.lower_, clause.verb.text
    is_number = part.root.dep_ == "attr" and (part.root.tag_ == "CD" or last in UNIT_NAMES)
    if last in SIZES:
        yield Fact(
            sentence="",
            subject=clause.subject,
            asks="count",
            target=text_of([word for word in part.words if word.i < part.root.i]),
            question=f"How {last} {be} {clause.subject}?",
            indirect=f"how {last} {clause.subject} {be}",
            statement=clause.statement(),
            open=f"{clause.subject} {be}",
            relation=last,
            label="QUANTITY",
        )
    elif is_number and re.search(r" of |'s? ", clause.subject):  # "X's population", "the population of X"
        yield _fact(Clause(clause.subject, clause.head, clause.verb, [], (part,)), part, "count", "what")


def _final_preposition(clause: Clause, part: Part) -> Iterator[Fact]:
    """Yield "What is X made of?" for "X is made of oak", and "Where did X study?" for "X studied at Yale"."""
    if not _can_end_with_preposition(clause, part):
        return
    if part.prep == "at" or (part.label == "ORG" and part.prep == "from"):
        yield _fact(clause, part, "where", "where")
        return
    word = "whom" if is_person(part) and part.prep in ("after", "to") else "what"
    rest = tuple(clause.of_role("date", "prep", "place", "other"))
    yield structs.replace(
        _fact(clause, part, "what", word),
        question=f"{capitalised(word)} {clause.inverted(rest)} {part.prep}?",
        indirect=f"{word} {clause.statement(rest)} {part.prep}",
    )


def _can_end_with_preposition(clause: Clause, part: Part) -> bool:
    verb = clause.verb.lemma_
    if (verb, part.prep) not in FINAL or len(part.target) > 12:
        return False
    if sum(one.prep == part.prep for one in clause.parts) > 1:
        return False  # "made of oak and of iron": of which one?
    if verb in ("lead", "run", "live") and clause.of_role("object"):
        return False  # "led an army to Rome"; only what "leads to" something is asked for
    is_close = clause.passive and part.root.i == clause.verb.i + 1
    return verb != "know" or is_close  # "is known as X", not "is known for her roles as X"


def _definition(clause: Clause, topic: Topic) -> Iterator[Fact]:
    """Yield "Who was X?" for "X was a painter", and when a work came out for "X is a 1949 film"."""
    part = _said_to_be(clause)
    if part is None:
        return
    word, be, name = "who" if topic.person else "what", clause.verb.text, clause.subject
    definition = _shortened(part)
    if definition and part.words[0].lower_ in ("a", "an", "the", "one"):
        yield Fact(
            sentence="",
            subject=name,
            asks="definition",
            target=definition,
            question=f"{capitalised(word)} {be} {name}?",
            indirect=f"{word} {name} {be}",
            statement=f"{name} {be} {definition}",
            open=f"{name} {be}",
            relation="be",
            label=topic.noun,
        )
    year = next((one.text for one in part.words if YEAR.fullmatch(one.text) and one.i < part.root.i), "")
    if year and topic.noun in DATED_WORKS:
        verb, participle = ("publish", "published") if topic.noun in WRITTEN else ("release", "released")
        yield Fact(
            sentence="",
            subject=name,
            asks="when",
            target=year,
            question=f"In which year was {name} {participle}?",
            indirect=f"in which year {name} was {participle}",
            statement=f"{name} was {participle} in {year}",
            open=f"{name} was {participle}",
            relation=verb,
            label="DATE",
        )


def _shortened(part: Part) -> str:
    """Return what a subject is said to be, up to the last whole phrase that fits, or "" if the parser lost its end."""
    words = part.words
    if _is_cut_after(words[-1]):
        return ""
    ends = [one.left_edge.i for one in part.root.subtree if _can_be_cut_off(one) and one.i > part.root.i]
    while len(words) > LONGEST_TARGET and ends:
        end = ends.pop()
        words = [word for word in words if word.i < end]
    said = text_of(words)
    return uncapitalised(said) if 3 <= len(words) <= LONGEST_TARGET else ""


def _is_cut_after(word: "Token") -> bool:
    """Say whether a phrase goes on after a word: neither a mark nor a relative clause ("who ...") follows."""
    if word.i + 1 == len(word.doc):
        return False
    after = word.doc[word.i + 1]
    ends = after.is_punct and after.text not in "-\u2013\u2014/"
    return not ends and after.tag_ not in ("WDT", "WP", "WP$", "WRB")


def _can_be_cut_off(word: "Token") -> bool:
    """Say whether a phrase stands without what a word begins. "Of" says what a thing is."""
    detail = word.dep_ in ("prep", "acl", "relcl") and word.lower_ != "of"
    return detail or (word.dep_ == "cc" and word.head.dep_ == "attr")


def _participles(clause: Clause, topic: Topic) -> Iterator[Fact]:
    """Yield "Who directed X?" for "X is a film directed by N"."""
    part = _said_to_be(clause)
    if part is None or topic.person:
        return
    for participle in part.root.subtree:
        own = participle.dep_ == "acl" and participle.head.i == part.root.i
        joined = participle.dep_ == "conj" and participle.head.dep_ in ("acl", "conj")
        agent = _named_agent(participle) if participle.tag_ == "VBN" and (own or joined) else None
        name = [word for word in core_of(agent) if not _explains(word, agent)] if agent is not None else []
        if agent is not None and name and len(name) <= 10 and not _points_back(name):
            be = "were" if clause.verb.lower_ in ("are", "were") else "was"
            said = f"{active_past(participle.lower_)} {clause.subject}"
            open_statement = f"{clause.subject} {be} {participle.lower_}"
            yield Fact(
                sentence="",
                subject=clause.subject,
                asks="who",
                target=text_of(name),
                question=f"Who {said}?",
                indirect=f"who {said}",
                statement=f"{open_statement} by {text_of(name)}",
                open=open_statement,
                relation=participle.lemma_,
                label=agent.ent_type_,
                relative=f"who {said}",
            )


def _named_agent(participle: "Token") -> "Token | None":
    """Return the name behind "by", if it is a person's or an organisation's."""
    by = next((word for word in participle.children if word.dep_ == "agent"), None)
    noun = next((word for word in by.children if word.dep_ == "pobj"), None) if by is not None else None
    return noun if noun is not None and noun.ent_type_ in ("PERSON", "ORG") else None


def _points_back(words: "list[Token]") -> bool:
    return has_pointing_word(words) or any(word.lower_ in POSSESSIVES for word in words)


def _explains(word: "Token", noun: "Token") -> bool:
    """Say whether a word is in a phrase behind a name that is no part of it: "by Ann Lee about two families"."""
    up = [one for one in (word, *word.ancestors) if one.i > noun.i and one.dep_ == "prep"]
    return word.i > noun.i and any(one.lower_ not in ("of", "de") for one in up)


def _said_to_be(clause: Clause) -> Part | None:
    """Return what the subject is said to be: a noun that is no name of a place or a person."""
    found = (part for part in clause.of_role("complement") if part.root.dep_ == "attr")
    part = next(found, None) if clause.be else None
    return None if part is None or part.root.ent_type_ in ("GPE", "PERSON") else part


def _descriptions(clause: Clause, topic: Topic) -> Iterator[Fact]:
    """Yield descriptions of the names in a clause, with which a question can mean them without naming them.

    For "Jaws was filmed in Edgartown", yield "in which Jaws was filmed", with the target "Edgartown".
    """
    if not topic.name or topic.name not in clause.subject:
        return
    for part in clause.parts:
        named = part.label in NAMES or (part.target and part.target[-1].pos_ == "PROPN")
        if part.role in ("place", "prep", "object") and named and len(part.target) <= 6:
            rest = clause.statement((part, *clause.of_role("date")))
            yield Fact(
                sentence="",
                subject=clause.subject,
                asks="link",
                target=re.sub(r"^(the|a|an) ", "", text_of(part.target), flags=re.I),
                question="",
                indirect="",
                statement=clause.statement(),
                open=rest,
                relation=clause.relation,
                label=part.label,
                relative=f"{part.prep} which {rest}" if part.prep else f"that {rest}",
            )


# What shows that the parser or the text is wrong, or that something is missing.
DAMAGE = re.compile(
    r"(?i:\b(\w+) \1\b)|[()\[\]\"&/]| ,|,,| \.|\d-$|  |[!?.]\?"
    r"|^\w+ (?:does|is|was|has)\b.* their\b",
)
# In a question, a comma before half of an explanation: "When was X, born?". Commas of lists are all right.
LONE_COMMA = re.compile(r", (?!and |or |which |\w+(?: \w+)?,? (?:and|or) |\w+(?: \w+)?, )[a-z]")
# In a statement, a hole where parentheses or a part were: "She worked in", "the in".
HOLE = re.compile(
    r"\b(?:in|of|for|by|at|on|with|from|to|and|or|the|a|an|as)$|\b(?:a|an|the) (?:in|on|at|by|for|from)\b"
)


def reads_well(fact: Fact) -> bool:
    """Say whether question and answer are neither too short nor too long, and free of damage."""
    if not 3 <= len(fact.question.split()) <= LONGEST_QUESTION or len(fact.statement.split()) > LONGEST_STATEMENT:
        return False
    if len(fact.target.split()) > LONGEST_TARGET or not re.search(r"[^\W_]", fact.target):
        return False
    if any(DAMAGE.search(text) for text in (fact.question, fact.target)) or re.match(r"0\d", fact.target):
        return False
    if HOLE.search(fact.statement) or LONE_COMMA.search(fact.question):
        return False
    if fact.asks == "when" and re.search(r" (?:at|for|with|by|near) ", fact.target):
        return False
    return fact.asks in ("what", "definition") or fact.target not in fact.question
