"""What a sentence is about, in words that stand alone: its own name, or the article's name for "he" or "the film"."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, NamedTuple

from rag_instruct.corpus.linking import name_of
from rag_instruct.corpus.mentions import ArticleName
from rag_instruct.synthesis.clauses import PLACES, POSSESSIVES, TIME, core_of, has_pointing_word, text_of, uncapitalised
from rag_instruct.words import word_set

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

NAMES = word_set("PERSON ORG GPE LOC FAC WORK_OF_ART EVENT PRODUCT NORP LAW LANGUAGE")
WORKS = word_set("film song album novel book play series band opera game magazine newspaper ship musical painting poem")
# A noun means a person by its end or by itself. HUMAN and NOT_HUMAN have only what the ends decide wrongly. Pronouns
# decide the rest.
HUMAN_END = re.compile(r"(\w{3}(ist|ian|eer)|man|tor|dor|eur|[cdgklnprstvxz]er|[cps]her)$")
THING_END = re.compile(  # "thermometer", "wallpaper", "supertanker", "takeover"
    r"(meter|metre|paper|powder|water|center|theater|computer|container|freighter|tanker|cruiser|scraper|reactor"
    r"|generator|over)$"
)
HUMAN = word_set(
    "king queen saint nun monk bishop archbishop duke poet chef judge prince architect pilot coach star priest pope "
    "emperor noble count earl baron knight athlete mystic visionary friar cleric critic model student chief child son "
    "mayor general diplomat hero martyr sultan scholar emir governor-general native member farmer performer programmer "
    "reformer drummer swimmer rower lawyer player author professor sailor tailor warrior governor chancellor boy girl "
    "husband wife father mother brother widow soprano tenor peer uncle aunt seer actress princess duchess countess "
    "empress hostess waitress priestess heiress governess baroness stewardess seamstress sorceress abbess mistress "
    "headmistress poetess authoress sculptress huntress marchioness viscountess goddess prioress witness lover glover "
    "mover drover"
)
NOT_HUMAN = word_set(
    "river matter order chapter charter quarter cluster register disaster thriller factor sector motor tractor "
    "corridor transporter cancer helicopter winter border starter router filter printer server folder counter freezer "
    "cooker boiler monitor lever corner pepper butter plaster poster semester crater shelter supper ladder rudder "
    "shutter sweater trailer burner heater cutter mixer scanner trawler liner letter gutter cinder boulder tiger "
    "spider beaver condor vector platter transistor radiator calculator elevator accelerator washer dishwasher cipher "
    "gopher voucher launcher taxer refrigerator indicator ventilator alternator equator actuator regulator hamster "
    "silver saucer ulcer soccer tracer transducer sequencer spacer shoulder cylinder gender fender tender blender "
    "render surrender murder thunder wonder slider glider adder reminder remainder header feeder decoder encoder "
    "recorder loader grinder binder bladder larder solder coriander lavender salamander flounder disorder cider alder "
    "collider fodder udder tinder placeholder transponder doubleheader finger burger hunger danger ledger badger "
    "trigger charger hanger merger ginger anger integer logger debugger dagger lager plunger exchanger wager bunker "
    "marker locker poker cracker sticker shaker ticker breaker icebreaker pacemaker woodpecker flicker cooler roller "
    "controller propeller muffler tumbler compiler scheduler assembler filler tiller sprinkler crawler bestseller "
    "antler chiller dinner manner banner tuner spanner cleaner schooner toner diner fastener conditioner copper "
    "slipper zipper clipper temper viper juniper bumper creeper sleeper grasshopper hopper wrapper minesweeper dumper "
    "snapper flipper chopper laser browser dispenser condenser eraser geyser teaser fertiliser fertilizer synthesiser "
    "synthesizer equaliser equalizer stabiliser stabilizer bulldozer howitzer blazer monster lobster oyster rooster "
    "encounter litter glitter flutter adapter converter inverter transmitter emitter scooter toaster canister roster "
    "blister booster thruster trimester polyester ester otter slaughter laughter headquarter garter rafter raster "
    "aster pewter cloister holster typewriter splinter snooker blockbuster fever screwdriver liver quiver sliver "
    "cleaver retriever maneuver waiver stretcher kingfisher crusher rotor stator capacitor inductor semiconductor "
    "superconductor resistor detector connector projector simulator incubator escalator carburetor excavator separator "
    "predator raptor alligator oscillator resonator insulator commutator labrador splendor ardor checklist playlist "
    "shortlist setlist blacklist watchlist wishlist tracklist whitelist waitlist career reindeer veneer meridian "
    "obsidian ottoman talisman caiman"
)
# Nouns that mean the same thing when a text goes back to it
ALIKE = [
    word_set(group)
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
UNIQUE = word_set(  # nouns that "the" needs no explanation for: "the sun", "the first"
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
CAPITALISED = re.compile(r"(?<![\w-])[A-Z][\w.'-]*(?: (?:(?:van|von|de|da|di|der|la|of|the|ter) )*[A-Z][\w.'-]*)*")
WORD = re.compile(r"[\w'-]+")
POST_NOMINALS = re.compile(r"(?:,? (?![IVX]+\b)[A-Z][A-Z.]+)+,?$")  # ", KCB", " M.D."; not " III"


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

    @cached_property
    def short_names(self) -> dict[str, str]:
        """Full names of people by the word that means them. Ask for it only when all sentences are learned."""
        names = {
            surname: name
            for surname, name in self.full_names.items()
            if name and (surname.lower() not in self.words or name == self.name)
        }
        own = self.name.partition(",")[0]
        return names | ({own.split()[0]: own, own.split()[-1]: own} if self.person and self.surname else {})

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
    in_text = (word for word in words if len(word) > 2 and re.search(rf"\b{re.escape(word)}\b", text, re.I))
    if article is None or not any(in_text):  # a file's name such as para_017
        name = _named_first(docs)
        return Topic(_as_written(name, docs), frozenset(WORD.findall(name.lower())) | ARTICLES) if name else Topic()
    before, comma, _ = name.partition(", ")
    if comma and not NOBLE.search(name) and text.partition(before)[2][:1] != ",":  # "Vik, Iceland" is Vik in its text
        name = before
    topic = Topic(_as_written(name, docs), words | ARTICLES)
    _qualify(topic, article, text)
    return topic


def _named_first(docs: "Sequence[Doc]") -> str:
    """Return the name with which a text without a title begins, if the text goes on about it, or ""."""
    root = next((word for word in docs[0] if word.dep_ == "ROOT"), None) if docs else None
    head = next((word for word in root.children if word.dep_ in ("nsubj", "nsubjpass")), None) if root else None
    if root is None or head is None or head.pos_ != "PROPN" or has_pointing_word(core_of(head)):
        return ""
    words = [word for word in core_of(head) if word.pos_ != "DET"]
    defined = root.lemma_ == "be" and any(word.dep_ == "attr" for word in root.children)
    again = any(word.text == head.text for doc in docs[1:] for word in doc)
    is_name = all(word.pos_ in ("PROPN", "ADP", "NUM") for word in words)
    return text_of(words) if is_name and (defined or (again and len(words) > 1)) else ""


def _qualify(topic: Topic, article: ArticleName, text: str) -> None:
    """Put a title's qualifier into the topic: "(1949 film)" says what it is, "(Ohio)" where it is."""
    last = article.qualifier.split()[-1] if article.qualifier else ""
    if last.islower() and last.isalpha():
        topic.noun, topic.kind = last, "person" if is_human([last]) else "thing"
        if last in WORKS:
            topic.name = f"the {last} {topic.name}"
    elif last and f", {article.qualifier}" in text:
        topic.name = f"{topic.name}, {article.qualifier}"


def _as_written(title: str, docs: "Sequence[Doc]") -> str:
    """Return a title as the text says it inside a sentence: "the knitting cooperative", "an octopus", "the Rhine".

    A name in small letters, as from the name of a file, gets the capitals of the text.
    """
    if re.match(r"(the|a|an) ", title, re.I):
        return title
    mentions = [mention for doc in docs for mention in _mentions(title, doc)]
    inner = [mention for mention in mentions if not mention.opening]
    if not inner and title[1:].islower() and _is_called_by_last_word(title, docs):
        return f"the {title.lower()}"
    if not mentions:
        return title
    count = Counter(mention.article for mention in inner or mentions)
    article = max(("", "the", "an", "a"), key=lambda one: count[one])
    if _is_common_noun(title, mentions, inner):
        return f"{article} {title.lower()}".strip()
    if title.islower():
        title = next((mention.text for mention in mentions if mention.text[:1].isupper()), title.capitalize())
    return f"the {title}" if article == "the" or re.match(r"\d{4} [A-Za-z]", title) else title


def _is_called_by_last_word(title: str, docs: "Sequence[Doc]") -> bool:
    """Say whether a text has "the crane" or the like for the title "Harbour crane"."""
    last = re.escape(title.split()[-1].lower())
    return any(re.search(rf"\b([Tt]he|[Aa]n?|[Tt]his|[Oo]ur) {last}\b", doc.text) for doc in docs)


def _is_common_noun(title: str, mentions: "Sequence[Mention]", inner: "Sequence[Mention]") -> bool:
    """Say whether a title is no name: most mentions inside sentences are in small letters.

    If all mentions open a sentence, the parser decides. It takes words such as "Pruning" for names.
    """
    if inner:
        return 2 * sum(mention.text.islower() for mention in inner) > len(inner)
    return not any(mention.is_name for mention in mentions) or bool(re.fullmatch(r"[A-Za-z][a-z]+ing", title))


class Mention(NamedTuple):
    """A title as a text has it."""

    text: str
    article: str  # "the", "a", "an" or ""
    opening: bool  # whether a sentence begins with it
    is_name: bool  # by the parser


def _mentions(title: str, doc: "Doc") -> Iterator[Mention]:
    """Yield the mentions of a title in a sentence; not those inside another name, as in "the Lika region"."""
    words = title.lower().split()
    for start in range(len(doc) - len(words) + 1):
        found = doc[start : start + len(words)]
        last = found[-1]
        inside_another = last.dep_ in ("compound", "amod", "nmod", "poss") and last.head.i > last.i
        if [word.lower_ for word in found] != words or inside_another:
            continue
        before = (word for one in found for word in one.children if word.i < start)
        article = next((word.lower_ for word in before if word.lower_ in ARTICLES), "")
        yield Mention(found.text, article, start == 0, last.pos_ == "PROPN")


def is_human(nouns: Iterable[str]) -> bool:
    """Say whether one of some nouns means a person."""
    return any(noun in HUMAN or _ends_like_human(noun) for noun in nouns)


def _ends_like_human(noun: str) -> bool:
    return bool(HUMAN_END.search(noun)) and noun not in NOT_HUMAN and not THING_END.search(noun)


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
    """Learn what the topic is from a sentence such as "Jaws is a film"."""
    root = next((word for word in doc if word.dep_ == "ROOT" and word.lemma_ == "be"), None)
    if root is None:
        return
    subject = next((word for word in root.children if word.dep_ == "nsubj"), None)
    complement = next((word for word in root.children if word.dep_ == "attr" and word.pos_ in ("NOUN", "PROPN")), None)
    if subject is None or complement is None:
        return
    phrase = {word.lower_ for word in core_of(subject)} - ARTICLES
    shared = phrase & topic.words
    if subject.lower_ not in topic.words or not (
        phrase <= topic.words or len(shared) > 1 or subject.ent_type_ == "PERSON"
    ):
        return
    noun = _inner(complement) if complement.lower_ in PLACEHOLDERS else complement
    topic.noun, topic.defined_by = noun.lemma_.lower(), doc.text
    human = is_human([topic.noun, *(word.lemma_.lower() for word in complement.conjuncts)])
    plural = subject.tag_ in ("NNS", "NNPS") or root.lower_ in ("are", "were")
    topic.kind = "person" if human else "plural" if plural else "thing"


def _inner(noun: "Token") -> "Token":
    """Return "cities" of "one of the largest cities"."""
    inner = (word for prep in noun.children if prep.dep_ == "prep" for word in prep.children if word.dep_ == "pobj")
    return next(inner, noun)


def settle_name(topic: Topic) -> None:
    """Give the topic its final name: a person's full name where the title is a surname, a work's own article."""
    if full := topic.full_names.get(topic.name, ""):
        topic.name, topic.words = full, topic.words | frozenset(WORD.findall(full.lower()))
    if topic.noun in TITLED and topic.name.startswith("the ") and f"the {topic.noun} " not in topic.name:
        topic.name = f"The {topic.name[4:]}"  # the article belongs to the title


def settle_kind(topic: Topic, docs: "Sequence[Doc]") -> None:
    """Call the topic a person if its text speaks of a name with "he" or "she" more than with "it"."""
    if topic.kind == "person" or not topic.name or topic.noun in TITLED:
        return
    words = [word.lower_ for doc in docs for word in doc]
    he, it = (sum(word in group for word in words) for group in (("he", "she", "his", "her"), ("it", "its")))
    labels = [name.label_ for doc in docs for name in doc.ents if set(name.text.lower().split()) & topic.words]
    people = labels.count("PERSON")
    if topic.defined_by:  # what the text says it is counts as one "it"; "Lake Victoria is a lake" settles it
        person = people > 0 and he > it + 1 and topic.noun not in topic.words
    else:
        has_persons_name = 2 * people > len(labels) and it <= he + len(docs) / 10
        person = has_persons_name or (people > 0 and he > it and topic.noun not in topic.words)
    topic.kind = "person" if person else topic.kind or "thing"


def subject_of(head: "Token", topic: Topic, before: str) -> str:
    """Return a subject in words that stand alone, or "". `before` is the subject of the sentence before, or ""."""
    words = core_of(head)
    # A pronoun can go back to the topic after a sentence about it. Texts about people may begin with "he".
    topic_is_near = bool(topic.name) and (before == topic.name or (not before and topic.person))
    if _ends_title(head, topic):
        return topic.name
    if head.pos_ == "PRON":
        return topic.name if topic_is_near and topic.means_by(head.lower_) else ""
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
    about_topics_own = bool(topic.name) and before.startswith(possessive(topic.name))
    return _standing(words, topic, topic_is_near or about_topics_own)


def _ends_title(head: "Token", topic: Topic) -> bool:
    """Say whether the topic's name of several words ends here. The parser takes "Doctor Who" for a pronoun."""
    words = topic.name.split()
    start = head.i + 1 - len(words)
    return len(words) > 1 and start >= 0 and [word.text for word in head.doc[start : head.i + 1]] == words


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


def is_full_name(said: str, topic: Topic) -> bool:
    """Say whether words with capitals are the full name of the topic, a person: its first and last word, or all of it.

    A name of several words may have further words in front or inside, and words in place of its initials. Its last word
    must stay the last.
    """
    said = POST_NOMINALS.sub("", re.sub(r"-\s+", "-", said))
    words, own = ([word for word in WORD.findall(text.lower()) if word not in ARTICLES] for text in (said, topic.name))
    if not words or not own:
        return False
    last = WORD.findall(topic.name.partition(",")[0].lower())[-1]  # of "George II, Prince of Anhalt": "ii"
    if {own[0], last} <= set(words) <= topic.words:
        return True
    whole = all(any(word == one or (len(one) == 1 and word[0] == one) for word in words) for one in own)
    with_others = bool({"and", "of"} & set(words) - topic.words)  # "The Trial of Ann Lee"
    return len(own) > 1 and whole and words[-1] == own[-1] and not with_others


def _named(words: "Sequence[Token]", head: "Token", topic: Topic) -> str:
    """Return the full name of somebody or something else than the topic, or ""."""
    if has_pointing_word(words) or any(word.lower_ in POSSESSIVES for word in words):
        return ""
    known = head.ent_type_ in (*PLACES, "NORP", "LANGUAGE", "EVENT", "LAW") or head.text.isupper()
    if not known and words[0].lower_ != "the" and sum(word.pos_ == "PROPN" for word in words) < 2:
        return topic.full_names.get(text_of(words), "")
    return inside(words, topic)


def _standing(words: "Sequence[Token]", topic: Topic, topic_is_near: bool) -> str:
    """Return a phrase of common nouns that stands alone, or "". "Its length" becomes "Vik's length" if Vik is near."""
    if has_pointing_word(words):
        return ""
    if owners := [word for word in words if word.lower_ in POSSESSIVES]:
        owner = owners[0]
        work = words[-1].lemma_.lower() in TITLED and len(words) == 2  # "his film": which one?
        if len(owners) > 1 or not topic_is_near or POSSESSIVES[owner.lower_] != topic.kind or work:
            return ""
        return re.sub(rf"\b{owner.text}\b", possessive(topic.name), text_of(words), count=1)
    return "" if has_unexplained_noun(words, topic) else inside(words, topic)


def has_unexplained_noun(words: "Sequence[Token]", topic: Topic) -> bool:
    """Say whether a phrase has a noun with "the" that only the text before it explains: "the award"."""
    return any(
        word.lower_ == "the" and not _is_explained(word.head, words, place, topic) for place, word in enumerate(words)
    )


def _is_explained(noun: "Token", words: "Sequence[Token]", place: int, topic: Topic) -> bool:
    """Say whether a phrase tells which one "the <noun>" is. `place` is where "the" stands in the phrase."""
    if noun.lower_ in UNIQUE or noun.lemma_.lower() in topic.words or _is_proper(noun):
        return True
    details = [word for word in words if word.head.i == noun.i and word.dep_ in DETAILS]
    if any(word.tag_ == "JJS" for word in (*details, noun)):  # "the longest"
        return True
    if any(_is_proper(word) for word in noun.subtree if word in words):  # "the capital of Austria"
        return True
    return place > 0 and any(word.dep_ != "amod" for word in details)


def _is_proper(noun: "Token") -> bool:
    return noun.pos_ == "PROPN" and noun.text[:1].isupper() and noun.lower_ not in GENERIC


def is_unspecified(head: "Token", subject: str, past: bool, topic: Topic) -> bool:
    """Say whether a subject of common nouns does not say which one it means: "a second village was left empty"."""
    if subject == topic.name or head.pos_ in ("PROPN", "PRON"):
        return False
    first = subject.split()[0].lower()
    names = any(word.pos_ == "PROPN" for word in core_of(head)) or bool(topic.name and topic.name in subject)
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
    for short, name in topic.short_names.items():
        if short not in text or name in text:  # first, because it is cheap: an article of many facts has many names
            continue
        place_or_time = short in topic.places or TIME.search(short)  # Florence, August
        if short.lower() == topic.surname or not place_or_time:
            text = CAPITALISED.sub(partial(_full_name, short, name), text)
    return text


def _full_name(short: str, name: str, found: re.Match[str]) -> str:
    """Return the full name for words with capitals that are the short one and no place; else the words unchanged."""
    before = found.string[: found.start()].split()[-1:]
    place = bool(before) and before[0] in ("in", "at", "near", "into", "through", "the")
    said, ending = (found[0][:-2], "'s") if found[0].endswith("'s") else (found[0], "")
    return name + ending if said == short and not place else found[0]


def possessive(name: str) -> str:
    return f"{name}'" if name.endswith("s") else f"{name}'s"


def inside(words: "Sequence[Token]", topic: Topic) -> str:
    """Return a phrase as it stands inside a sentence: with a small first letter, unless it is a name."""
    said, first = text_of(words), words[0]
    small_elsewhere = first.i == 0 and not first.ent_type_ and first.lower_ in topic.small
    small = first.pos_ in ("DET", "NUM", "PRON", "ADV", "ADP", "SCONJ") or first.tag_ == "NNS"
    plain = first.pos_ in ("ADJ", "NOUN", "VERB") and not first.ent_type_ and not first.text.isupper()
    small = small or small_elsewhere or (plain and (len(words) > 1 or first.lower_ == first.lemma_))
    return uncapitalised(said) if small else said
