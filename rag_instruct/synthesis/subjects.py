"""What a sentence is about, in words that stand alone: its own name, or the article's name for "he" or "the film"."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from rag_instruct.corpus.linking import name_of
from rag_instruct.corpus.mentions import ArticleName
from rag_instruct.synthesis.clauses import OWN, PLACES, TIME, kept, points, text_of
from rag_instruct.words import word_set

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

NAMES = word_set("PERSON ORG GPE LOC FAC WORK_OF_ART EVENT PRODUCT NORP LAW LANGUAGE")
WORKS = word_set("film song album novel book play series band opera game magazine newspaper ship musical painting poem")
# Nouns for people, by their ends and by themselves. Pronouns in the text decide where both are silent.
HUMAN_END = re.compile(r"(ist|ian|eer|ess|woman|man|tor|dor|eur|[cdgklnprstvxz]er|[cps]her)$")
HUMAN = word_set(
    "king queen saint nun monk bishop archbishop duke poet chef judge prince architect pilot coach star priest "
    "pope emperor noble count earl baron knight athlete mystic visionary friar cleric critic model student chief child "
    "son daughter mayor general statesman diplomat hero martyr sultan scholar emir governor-general "
    "native member farmer performer programmer reformer drummer swimmer rower lawyer player author professor sailor "
    "tailor warrior governor chancellor founder character boy girl husband wife father mother brother sister widow "
    "composer soprano tenor"
)
NOT_HUMAN = word_set(
    "river water matter computer center theater paper number order tower chapter charter quarter cluster register "
    "disaster thriller newspaper factor sector motor tractor reactor corridor layer container transporter cancer "
    "helicopter winter border starter timer router filter printer server folder counter freezer cooker boiler "
    "sensor monitor power flower cover lever corner cucumber pepper butter plaster poster semester "
    "crater chamber timber shelter kilometer meter process wilderness business fortress harbor "
    "summer oven supper ladder rudder shutter sweater trailer burner dryer heater cutter mixer scanner trawler "
    "freighter liner crossover letter gutter cinder boulder powder pier tiger spider beaver glacier "
    "condor vector platter buffer transistor generator radiator calculator elevator accelerator "
    "washer dishwasher cipher gopher voucher launcher mixer taxer "
    "refrigerator indicator ventilator alternator equator actuator regulator stadium"
)
# Nouns that mean the same thing when a text goes back to it
ALIKE = [
    set(group.split())
    for group in (
        "film movie picture feature drama comedy",
        "book novel story work",
        "city town village municipality settlement commune capital",
        "company firm corporation manufacturer",
        "band group duo trio quartet",
        "series show program programme sitcom",
        "song single track",
        "church building house castle palace structure mansion",
        "war conflict",
        "university school college institution",
    )
]
UNIQUE = word_set(
    "world sun moon sea sky earth public press north south east west ground internet past future poor rich "
    "universe environment government police army navy night day morning evening afternoon summer winter spring "
    "autumn age same first second third death birth time use end beginning start middle top bottom centre center "
    "way name title"
)
GENERIC = word_set(  # nouns with capitals that name nothing: "the Ministry"
    "ministry council company club committee board department school university college church party army court "
    "house society association commission authority agency corporation bank hospital museum trust union team band"
)
QUANTIFIERS = word_set(
    "most many some several few all any no every each half much more enough various numerous about around over "
    "nearly approximately total"
)
GROUPS = ("band", "group", "duo", "team", "trio", "company")
TITLED = word_set(  # works whose title has its own article: "The Jump"
    "film movie drama comedy thriller documentary song single track album novel book story play series sitcom show "
    "programme program opera game musical painting poem"
)
PLACEHOLDERS = ("one", "kind", "type", "form", "name", "set")  # "one of the largest cities": the city is meant
DETAILS = word_set("compound amod nmod poss nummod relcl acl prep appos")
PHRASE = 12  # most words of a subject
NOBLE = re.compile(r", .*(?:\bof\b|\d(?:st|nd|rd|th)\b)")  # "Leopold IV, Duke of Anhalt"
ARTICLES = frozenset({"the", "a", "an"})
# Words with capitals that follow each other, with the particles of names between them.
LONE = re.compile(r"(?<![\w-])[A-Z][\w.'-]*(?: (?:(?:van|von|de|da|di|der|la|of|the|ter) )*[A-Z][\w.'-]*)*")
WORD = re.compile(r"[\w'-]+")


@dataclass
class Topic:
    """The subject of an article: its name, and what its text says it is."""

    name: str = ""  # as a sentence says it: "the knitting cooperative", "the film Jaws"
    words: frozenset[str] = frozenset()
    noun: str = ""  # what it is: "film"
    kind: str = ""  # person, thing or plural
    defined_by: str = ""  # the sentence that says what it is
    full_names: dict[str, str] = field(default_factory=dict)  # of others, by surname; "" if two have the same
    small: set[str] = field(default_factory=set)  # words that the text has in small letters
    places: set[str] = field(default_factory=set)  # words of the names of places

    @property
    def person(self) -> bool:
        return self.kind == "person"

    @property
    def last(self) -> str:
        return self.name.split()[-1].lower() if self.name else ""

    @property
    def surname(self) -> str:
        """The last word of a name of several words, with which a text may mean the topic."""
        words = self.name.partition(",")[0].split()
        return words[-1].lower() if 2 <= len(words) <= 4 and all(word[:1].isupper() for word in words) else ""

    def is_called(self, noun: str) -> bool:
        """Say whether "the <noun>" can mean the topic."""
        names = {self.noun, self.last} - {""}
        return noun in names or any(noun in group and names & group for group in ALIKE)

    def means_by(self, pronoun: str) -> bool:
        """Say whether a pronoun can mean the topic."""
        kinds = {"he": "person", "she": "person", "it": "thing", "they": "plural"}
        return kinds.get(pronoun) == self.kind or (pronoun == "they" and self.noun in GROUPS)


def topic_of(title: str, docs: "Sequence[Doc]") -> Topic:
    """Return the topic of an article: what its title names, if its text does, else what its text is about."""
    text = "\n".join(doc.text for doc in docs)
    article = name_of(title, text)
    name = " ".join(article.words) if article else ""
    words = frozenset(WORD.findall(name.lower()))
    if article is None or not any(re.search(rf"\b{re.escape(word)}\b", text, re.I) for word in words if len(word) > 2):
        name = named_first(docs)
        return Topic(as_written(name, docs), frozenset(WORD.findall(name.lower())) | ARTICLES) if name else Topic()
    before, comma, _ = name.partition(", ")
    if comma and not NOBLE.search(name) and text.partition(before)[2][:1] != ",":  # "Vik, Iceland" is Vik in its text
        name = before
    topic = Topic(as_written(name, docs), words | ARTICLES)
    _qualify(topic, article, text)
    return topic


def named_first(docs: "Sequence[Doc]") -> str:
    """Return the name with which a text without a title begins, if the text goes on about it, or ""."""
    for doc in docs[:1]:
        root = next((word for word in doc if word.dep_ == "ROOT"), None)
        head = next((word for word in root.children if word.dep_ in ("nsubj", "nsubjpass")), None) if root else None
        if root is None or head is None or head.pos_ != "PROPN" or points(kept(head)):
            return ""
        words = [word for word in kept(head) if word.pos_ != "DET"]
        name = text_of(words)
        defined = root.lemma_ == "be" and any(word.dep_ == "attr" for word in root.children)
        again = any(word.text == head.text for other in docs[1:] for word in other)
        if all(word.pos_ in ("PROPN", "ADP", "NUM") for word in words) and (defined or (again and len(words) > 1)):
            return name
    return ""


def _qualify(topic: Topic, article: ArticleName, text: str) -> None:
    """Put a title's qualifier into the topic: "(1949 film)" says what it is, "(Ohio)" where it is."""
    last = article.qualifier.split()[-1] if article.qualifier else ""
    if last.islower() and last.isalpha():
        topic.noun, topic.kind = last, "person" if is_human([last]) else "thing"
        if last in WORKS:
            topic.name = f"the {last} {topic.name}"
    elif last and f", {article.qualifier}" in text:
        topic.name = f"{topic.name}, {article.qualifier}"


def as_written(name: str, docs: "Sequence[Doc]") -> str:
    """Return a title as the text says it inside a sentence: "the knitting cooperative", "an octopus", "the Rhine".

    A name in small letters, as from the name of a file, gets the capitals of the text.
    """
    if re.match(r"(the|a|an) ", name, re.I):
        return name
    said = [found for doc in docs for found in _said(name, doc)]
    inside_ = [one for one in said if not one.opening]
    if not inside_ and name[1:].islower():  # a heading or a file's name: "The crane" means the harbour crane
        last = re.escape(name.split()[-1].lower())
        if any(re.search(rf"\b([Tt]he|[Aa]n?|[Tt]his|[Oo]ur) {last}\b", doc.text) for doc in docs):
            return f"the {name.lower()}"
    if not said:
        return name
    usual = Counter(one.article for one in inside_ or said)
    article = max(("", "the", "an", "a"), key=lambda one: usual[one])
    common = 2 * sum(one.text.islower() for one in inside_) > len(inside_) or not (
        inside_ or any(one.name for one in said)
    )
    if common or (not inside_ and re.fullmatch(r"[A-Za-z][a-z]+ing", name)):  # "Pruning"
        return f"{article} {name.lower()}".strip()
    if name.islower():
        name = next((one.text for one in said if one.text[:1].isupper()), name.capitalize())
    return f"the {name}" if article == "the" or re.match(r"\d{4} [A-Za-z]", name) else name


class Said(NamedTuple):
    """A name as a text has it."""

    text: str
    article: str  # "the", "a", "an" or ""
    opening: bool  # of a sentence
    name: bool  # whether the parser takes it for a name


def _said(name: str, doc: "Doc") -> Iterator[Said]:
    """Yield the mentions of a name in a sentence; not those inside another name, as in "the Lika region"."""
    words = name.lower().split()
    for start in range(len(doc) - len(words) + 1):
        found = doc[start : start + len(words)]
        last = found[-1]
        inner = last.dep_ in ("compound", "amod", "nmod", "poss") and last.head.i > last.i
        if [word.lower_ for word in found] != words or inner:
            continue
        article = next(
            (word.lower_ for one in found for word in one.children if word.lower_ in ARTICLES and word.i < start), ""
        )
        yield Said(found.text, article, start == 0, last.pos_ == "PROPN")


def is_human(nouns: Iterable[str]) -> bool:
    return any(noun in HUMAN or (HUMAN_END.search(noun) and noun not in NOT_HUMAN) for noun in nouns)


def learn(topic: Topic, doc: "Doc") -> None:
    """Learn from a sentence what the topic is, the full names of people, and which words are no names."""
    topic.small |= {word.text for word in doc if word.text.islower()}
    topic.places |= {word.text for word in doc if word.ent_type_ in PLACES}
    for name in doc.ents:
        words = name.text.split()
        if name.label_ == "PERSON" and 2 <= len(words) <= 4 and words[0][:1].isupper():
            known = topic.full_names.setdefault(words[-1], name.text)
            topic.full_names[words[-1]] = name.text if known == name.text else ""
    if topic.name and not topic.defined_by:
        _define(topic, doc)


def _define(topic: Topic, doc: "Doc") -> None:
    root = next((word for word in doc if word.dep_ == "ROOT" and word.lemma_ == "be"), None)
    if root is None:
        return
    subject = next((word for word in root.children if word.dep_ == "nsubj"), None)
    said = next((word for word in root.children if word.dep_ == "attr" and word.pos_ in ("NOUN", "PROPN")), None)
    if subject is None or said is None:
        return
    phrase = {word.lower_ for word in kept(subject)} - {"the", "a", "an"}
    shared = phrase & topic.words
    if subject.lower_ not in topic.words or not (
        phrase <= topic.words or len(shared) > 1 or subject.ent_type_ == "PERSON"
    ):
        return
    noun = _inner(said) if said.lower_ in PLACEHOLDERS else said
    topic.noun, topic.defined_by = noun.lemma_.lower(), doc.text
    human = is_human([topic.noun, *(word.lemma_.lower() for word in said.conjuncts)])
    plural = subject.tag_ in ("NNS", "NNPS") or root.lower_ in ("are", "were")
    topic.kind = "person" if human else "plural" if plural else "thing"


def _inner(noun: "Token") -> "Token":
    inner = (word for prep in noun.children if prep.dep_ == "prep" for word in prep.children if word.dep_ == "pobj")
    return next(inner, noun)


def settle_name(topic: Topic) -> None:
    """Call a person by the full name that the text has, where the title is a surname only."""
    if full := topic.full_names.get(topic.name, ""):
        topic.name, topic.words = full, topic.words | frozenset(WORD.findall(full.lower()))


def settle_kind(topic: Topic, docs: "Sequence[Doc]") -> None:
    """Call the topic a person if its text speaks of a name with "he" or "she" more than with "it"."""
    if topic.noun in TITLED and topic.name.startswith("the ") and f"the {topic.noun} " not in topic.name:
        topic.name = f"The {topic.name[4:]}"  # the article belongs to the title
    if topic.kind == "person" or not topic.name or topic.noun in TITLED:
        return
    said = [word.lower_ for doc in docs for word in doc]
    he, it = (sum(word in group for word in said) for group in (("he", "she", "his", "her"), ("it", "its")))
    names = [name.label_ for doc in docs for name in doc.ents if set(name.text.lower().split()) & topic.words]
    people, defined = names.count("PERSON"), bool(topic.defined_by)
    mostly = 2 * people > len(names) and it <= he + len(docs) / 10 and not defined
    rather = people and he > it + defined and topic.noun not in topic.words  # "Lake Victoria is a lake"
    topic.kind = "person" if mostly or rather else topic.kind or "thing"


def subject_of(head: "Token", topic: Topic, before: str) -> str:
    """Return a subject in words that stand alone, or "". `before` is the subject of the sentence before, or ""."""
    words = kept(head)
    near = bool(topic.name) and (before == topic.name or (not before and topic.person))
    if head.pos_ == "PRON":
        return topic.name if near and topic.means_by(head.lower_) else ""
    if _is_cut_off(words):
        return ""
    if head.pos_ not in ("NOUN", "PROPN") or any(word.dep_ == "relcl" for word in words) or len(words) > PHRASE:
        return ""
    if is_topic(words, head, topic):
        return topic.name
    if has_lone_surname(words[:-1], topic):
        return ""
    if head.pos_ == "PROPN" and (head.ent_type_ in NAMES or len(words) == 1):
        return _named(words, head, topic)
    # After "her mother raised her", "her father" is still hers.
    return _standing(words, topic, near or (bool(topic.name) and before.startswith(possessive(topic.name))))


def _is_cut_off(words: "Sequence[Token]") -> bool:
    """Say whether the parser has cut a name: "Catherine | the Great", "King Francis | the First"."""
    doc, start, end = words[0].doc, words[0].i, words[-1].i + 1
    before = doc[start - 1] if start else None
    after = doc[end : end + 2].text
    return (before is not None and before.pos_ == "PROPN" and before.dep_ != "npadvmod") or bool(
        words[-1].pos_ == "PROPN" and re.match(r"the [A-Z]\w+(st|nd|rd|th)?$", after)
    )


def is_topic(words: "Sequence[Token]", head: "Token", topic: Topic) -> bool:
    """Say whether a phrase names the topic: its title, a part of a person's name, or "the film" for a film."""
    said = [word.lower_ for word in words if word.pos_ not in ("DET", "PUNCT") and word.text != "'s"]
    if not topic.name or not said:
        return False
    if topic.name.partition(",")[0].lower() == " ".join(said) and head.text[:1].isupper():
        return True
    if len(said) == 1 == len(words) and head.text[:1].isupper() and said[0] == topic.surname:
        return True
    whole = set(said) - ARTICLES == topic.words - ARTICLES
    if set(said) <= topic.words and (whole or topic.person):
        return whole or head.pos_ == "PROPN"
    if topic.person and len(topic.words & set(said)) > 1 and head.lower_ in topic.words and head.pos_ == "PROPN":
        return True
    the = words[0].lower_ == "the" and len(said) == 1 and head.pos_ == "NOUN"
    return the and not topic.person and topic.is_called(head.lemma_.lower())


def _named(words: "Sequence[Token]", head: "Token", topic: Topic) -> str:
    """Return the full name of somebody or something else than the topic, or ""."""
    if points(words) or any(word.lower_ in OWN for word in words):
        return ""
    known = head.ent_type_ in ("GPE", "LOC", "FAC", "NORP", "LANGUAGE", "EVENT", "LAW") or head.text.isupper()
    if not known and words[0].lower_ != "the" and sum(word.pos_ == "PROPN" for word in words) < 2:
        return topic.full_names.get(text_of(words), "")
    return inside(words, topic)


def _standing(words: "Sequence[Token]", topic: Topic, near: bool) -> str:
    """Return a phrase of common nouns that stands alone, or "".

    "Its length" becomes the length of the topic if the sentence before is about the topic, so that it is `near`.
    """
    if points(words):
        return ""
    if owners := [word for word in words if word.lower_ in OWN]:
        owner = owners[0]
        work = words[-1].lemma_.lower() in TITLED and len(words) == 2  # "his film": which one?
        if len(owners) > 1 or not near or OWN[owner.lower_] != topic.kind or work:
            return ""
        return re.sub(rf"\b{owner.text}\b", possessive(topic.name), text_of(words), count=1)
    return "" if is_vague(words, topic) else inside(words, topic)


def is_vague(words: "Sequence[Token]", topic: Topic) -> bool:
    """Say whether a phrase has "the <noun>" that only the text before it explains."""
    for place, word in enumerate(words):
        noun = word.head
        name = noun.pos_ == "PROPN" and noun.text[:1].isupper() and noun.lower_ not in GENERIC
        if word.lower_ != "the" or name or noun.lower_ in UNIQUE:
            continue
        details = [one for one in words if one.head.i == noun.i and one.dep_ in DETAILS]
        family = [one for one in noun.subtree if one in words]
        if any(one.pos_ == "PROPN" and one.text[:1].isupper() for one in family if one.lower_ not in GENERIC) or any(
            one.tag_ == "JJS" for one in [*details, noun]
        ):
            continue
        if noun.lemma_.lower() in topic.words or (place and any(one.dep_ != "amod" for one in details)):
            continue
        return True
    return False


def is_unsettled(head: "Token", subject: str, past: bool, topic: Topic) -> bool:
    """Say whether a subject of common nouns does not say which one it means: "a second village was left empty"."""
    if subject == topic.name or head.pos_ in ("PROPN", "PRON"):
        return False
    first = subject.split()[0].lower()
    names = any(word.pos_ == "PROPN" for word in kept(head)) or bool(topic.name and topic.name in subject)
    somebody = first in ("a", "an") and is_human([head.lemma_.lower()])  # "a native of Chicago"
    return somebody or first in QUANTIFIERS or first[0].isdigit() or (past and not names and first != "the")


def has_lone_surname(words: "Sequence[Token]", topic: Topic) -> bool:
    """Say whether a phrase has a person's surname alone, which a reader of the question cannot know.

    A name with an article is no person's, whatever the parser says: "the Danube".
    """
    for word in words:
        before, after = (word.doc[place] if 0 <= place < len(word.doc) else None for place in (word.i - 1, word.i + 1))
        whole = word.ent_iob_ == "B" and not (after is not None and after.ent_iob_ == "I")
        person = word.ent_type_ == "PERSON" and not (before is not None and before.lower_ == "the")
        kind = word.dep_ in ("compound", "amod") and word.head.i > word.i  # "a Python package"
        if whole and person and not kind and word.lower_ not in topic.words:
            return True
    return False


def in_full(text: str, topic: Topic) -> str:
    """Return a text with the full names of people that it calls by their surname, or the topic by its first name."""
    names = {
        last: name
        for last, name in topic.full_names.items()
        if name and (last.lower() not in topic.words or name == topic.name)
    }
    if topic.person and topic.surname:
        own = topic.name.partition(",")[0]
        names |= {own.split()[0]: own, own.split()[-1]: own}
    for word, name in names.items():
        other = word.lower() != topic.surname and (word in topic.places or TIME.search(word))  # Florence, August
        if word in text and name not in text and not other:
            text = LONE.sub(partial(_lone, word, name), text)
    return text


def _lone(word: str, name: str, found: re.Match[str]) -> str:
    """Return the words of a name with capitals, or the full name if the word stands alone and is not a place."""
    before = found.string[: found.start()].split()[-1:]
    place = bool(before) and before[0] in ("in", "at", "near", "into", "through", "of the", "the")
    own, end = (found[0][:-2], found[0][-2:]) if found[0].endswith("'s") else (found[0], "")
    return name + end if own == word and not place else found[0]


def possessive(name: str) -> str:
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def inside(words: "Sequence[Token]", topic: Topic) -> str:
    """Return a phrase as it stands inside a sentence: with a small first letter, unless it is a name."""
    said, first = text_of(words), words[0]
    if first.i == 0 and not first.ent_type_ and first.lower_ in topic.small:
        return said[:1].lower() + said[1:]
    small = first.pos_ in ("DET", "NUM", "PRON", "ADV", "ADP", "SCONJ") or first.tag_ == "NNS"
    plain = first.pos_ in ("ADJ", "NOUN", "VERB") and not first.ent_type_ and not first.text.isupper()
    if small or (plain and (len(words) > 1 or first.lower_ == first.lemma_)):
        return said[:1].lower() + said[1:]
    return said
