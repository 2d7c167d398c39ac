"""Clauses of a parsed sentence: a subject, a verb and what belongs to the verb, as statements and as questions.

A question about a part of a clause is the clause without this part, with subject and auxiliary verb inverted. This is
the overgeneration of Heilman and Smith 2010 ("Good question! Statistical ranking for question generation").
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag_instruct.words import MONTHS, word_set

if TYPE_CHECKING:
    from spacy.tokens import Token

# Words that only join a sentence to its neighbours: the clause stands without them.
JOINING = word_set(
    "also however later then thus therefore hence consequently subsequently eventually finally initially "
    "originally afterwards afterward meanwhile moreover furthermore additionally instead nevertheless "
    "nonetheless still already currently now today recently soon previously formerly usually generally often "
    "typically normally especially notably particularly mainly mostly primarily largely perhaps probably simply "
    "famously ultimately"
)
CHANGING = word_set(  # a clause without such a word would say something else
    "never hardly barely only almost nearly rather not no last again once twice even allegedly reportedly supposedly"
)
POINTING = word_set(
    "this these those that such there here former latter another other others above below same one ones then it "
    "he she they him them himself herself itself themselves i me my we us our you your mine ours yours each both "
    "neither"
)
POSSESSIVES = {"his": "person", "her": "person", "its": "thing", "their": "plural"}  # and the kind of their owner
SAYING = word_set("say think believe claim note state suggest argue mean seem appear report")
# Past forms of verbs whose participle differs
IRREGULAR = dict(
    pair.split(":")
    for pair in word_set(
        "written:wrote given:gave sung:sang begun:began drawn:drew shown:showed taken:took driven:drove chosen:chose "
        "known:knew seen:saw done:did broken:broke hidden:hid spoken:spoke stolen:stole thrown:threw worn:wore run:ran "
        "overcome:overcame become:became eaten:ate grown:grew blown:blew torn:tore undertaken:undertook flown:flew "
        "overthrown:overthrew woven:wove proven:proved rewritten:rewrote overseen:oversaw sewn:sewed shaken:shook "
        "beaten:beat bitten:bit forbidden:forbade forgiven:forgave frozen:froze sworn:swore withdrawn:withdrew"
    )
)
YEAR = re.compile(r"\b(1\d{3}|20[0-3]\d)\b(?!s)")
YEAR_OR_CENTURY = re.compile(r"\b(1\d{3}|20[0-3]\d)s?\b|\bcentur(y|ies)\b|\bBC\b|\bAD \d")
TIME = re.compile(
    YEAR_OR_CENTURY.pattern
    + rf"|\b({MONTHS})\b"
    + r"|\b(spring|summer|autumn|fall|winter)\b|\b(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b"
)
IN_TIME = word_set("in on since between until from during around at")
IN_PLACE = word_set("in at near on")
PLACES = ("GPE", "LOC", "FAC")
LOOSE = ("relcl", "acl", "appos", "advcl", "parataxis", "prep")  # additions, if they stand after a comma
LONGEST_TIME = 12  # words
NO_FACT = word_set("will would shall should may might")
MAYBE = word_set("can could must")  # with "have" they guess: "could have been built". Alone they do not: "can seat 400"


def text_of(words: "Sequence[Token]") -> str:
    """Return the text of tokens of a sentence, some of which may be left out."""
    said = "".join(
        word.text_with_ws if after is None or word.i + 1 == after.i else f"{word.text} "
        for word, after in zip(words, [*words[1:], None], strict=True)
    )
    return re.sub(r"\s+", " ", said).replace(" ,", ",").replace(" '", "'").strip(" ,;:-\u2013")


def capitalised(text: str) -> str:
    """Return the text with a capital as its first letter. The others stay as they are, unlike in str.capitalize."""
    return text[:1].upper() + text[1:]


def uncapitalised(text: str) -> str:
    """Return the text with a small first letter."""
    return text[:1].lower() + text[1:]


def core_of(root: "Token") -> "list[Token]":
    """Return the tokens of a phrase without additions after commas, long clauses and parentheses."""
    dropped: set[int] = set()
    for word in root.subtree:
        if word.i == root.i:
            continue
        loose = word.dep_ in LOOSE and _after_comma(word, root)
        if loose or _is_long(word) or word.lower_ == "including":
            dropped |= {one.i for one in word.subtree}
        elif word.dep_ == "punct" and word.text in '()[]\u2014\u2013;:"':
            dropped.add(word.i)
    words = [word for word in root.subtree if word.i not in dropped]
    while len(words) > 1 and (words[-1].text in ",;:\u2014\u2013-" or words[-1].dep_ == "cc"):
        words.pop()
    return words


def _after_comma(word: "Token", root: "Token") -> bool:
    left = word.left_edge.i
    return left > root.left_edge.i and word.doc[left - 1].text in (",", ";", "\u2014", "\u2013", ":")


@dataclass(frozen=True, eq=False)
class Part:
    """What belongs to a verb: an object, a complement or a phrase with a preposition."""

    root: "Token"
    role: str  # date, place, agent, object, complement, prep or other
    words: "list[Token]"
    target: "list[Token]"  # the words without the preposition
    prep: str = ""

    @property
    def text(self) -> str:
        said = text_of(self.words)
        return uncapitalised(said) if self.words[0].pos_ in ("ADP", "DET", "SCONJ", "ADV") else said

    @property
    def asked_for(self) -> str:
        """The words that a question about the part asks for."""
        whole = self.role == "date" and self.prep in ("between", "from", "during", "around")
        return self.text if whole else text_of(self.target)

    @property
    def label(self) -> str:
        """The type of the name in the part, or ""."""
        last: str = self.target[-1].ent_type_ if self.target else ""
        return last or next((str(word.ent_type_) for word in self.target if word.ent_type_), "")

    def says(self, *words: str) -> bool:
        return any(word.lower_ in words for word in self.words)


@dataclass(frozen=True)
class Clause:
    """A subject in words that stand alone, a verb with its auxiliaries, and the verb's parts."""

    subject: str
    head: "Token"  # of the subject
    verb: "Token"
    aux: "list[Token]"
    parts: tuple[Part, ...]

    @property
    def passive(self) -> bool:
        return is_passive(self.aux)

    @property
    def be(self) -> bool:
        """Whether the verb is a form of "be", without auxiliaries."""
        return self.verb.lemma_ == "be" and not self.aux

    @property
    def past(self) -> bool:
        first = self.aux[0] if self.aux else self.verb
        return first.tag_ in ("VBD", "VBN") or first.lower_ in ("was", "were", "had", "did")

    @property
    def verb_text(self) -> str:
        return _joined(self._first, self.verb.text, self._particle)

    @property
    def relation(self) -> str:
        """What the verb says, for comparisons with other clauses."""
        return _joined(self.verb.lemma_, self._particle)

    @property
    def _first(self) -> str:
        return "first" if is_first(self.verb) else ""

    @property
    def _particle(self) -> str:
        return " ".join(word.text for word in self.verb.children if word.dep_ == "prt")

    def of_role(self, *roles: str) -> list[Part]:
        return [part for part in self.parts if part.role in roles]

    def body(self, without: Sequence[Part] = ()) -> str:
        """Return the text of the parts, except those of `without`."""
        return " ".join(part.text for part in self.parts if part not in without)

    def statement(self, without: Sequence[Part] = ()) -> str:
        """Return the clause as a statement: "she won the prize"."""
        aux = " ".join(word.lower_ for word in self.aux)
        return _joined(self.subject, aux, self.verb_text, self.body(without))

    def inverted(self, without: Sequence[Part] = ()) -> str:
        """Return the clause as it stands after a question word: "did she win the prize"."""
        body = self.body(without)
        if self.aux and [word.lower_ for word in self.aux] != ["had"]:  # "did she win", not "had she won"
            first, *rest = [word.lower_ for word in self.aux]
            return _joined(first, self.subject, *rest, self.verb_text, body)
        if self.be:
            return _joined(self.verb.lower_, self.subject, body)
        do = "did" if self.aux or self.verb.tag_ in ("VBD", "VBN") else "does" if self.verb.tag_ == "VBZ" else "do"
        lemma = {"premier": "premiere"}.get(self.verb.lemma_, self.verb.lemma_)
        return _joined(do, self.subject, self._first, lemma, self._particle, body)

    @property
    def active(self) -> str:
        """The verb of a passive clause in its active form, or "": "was written" makes "wrote"."""
        if len(self.aux) == 1 and self.aux[0].lower_ in ("was", "were"):
            return _joined(self._first, active_past(self.verb.lower_), self._particle)
        if len(self.aux) == 2 and self.aux[0].lower_ in ("has", "have"):
            return _joined("has", self._first, self.verb.lower_, self._particle)
        return ""


def is_passive(aux: "Sequence[Token]") -> bool:
    return any(word.dep_ == "auxpass" for word in aux)


def is_first(verb: "Token") -> bool:
    """Say whether "first" stands before a verb: "was first published". After "be", it is a rank: "was first"."""
    return verb.lemma_ != "be" and any(word.text == "first" and word.i == verb.i - 1 for word in verb.children)


def active_past(participle: str) -> str:
    return IRREGULAR.get(participle, participle)


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def verbs(root: "Token") -> "Iterator[tuple[Token, Token, list[Token]]]":
    """Yield subject, verb and auxiliaries of the main clause, and of the verbs joined to it: "was built and burned".

    A joined verb without a subject has the subject of the verb before it. We stop at a joined verb that has its own.
    """
    if root.pos_ not in ("VERB", "AUX") or any(word.dep_ in ("expl", "csubj", "csubjpass") for word in root.children):
        return
    subject, verb, aux = _subject(root), root, _auxiliaries(root)
    if subject is None:
        return
    yield subject, verb, aux
    while (joined := _joined_verb(verb)) is not None:
        joined_aux = _auxiliaries(joined)
        if (own_subject := _subject(joined)) is not None:
            yield own_subject, joined, joined_aux
            return
        if not joined_aux:
            has_object = any(word.dep_ == "dobj" for word in joined.children)
            if is_passive(aux) and joined.tag_ == "VBD" and not has_object:
                return  # "was built and burned": it burned, or somebody burned it?
            if joined.tag_ in ("VBN", "VB", "VBG") and joined.tag_ == verb.tag_:
                joined_aux = aux  # "was opened and enlarged"
        yield subject, joined, joined_aux
        verb, aux = joined, joined_aux


def _joined_verb(verb: "Token") -> "Token | None":
    return next((word for word in verb.children if word.dep_ == "conj" and word.pos_ in ("VERB", "AUX")), None)


def _subject(verb: "Token") -> "Token | None":
    return next((word for word in verb.children if word.dep_ in ("nsubj", "nsubjpass")), None)


def _auxiliaries(verb: "Token") -> "list[Token]":
    return [word for word in verb.children if word.dep_ in ("aux", "auxpass")]


def states_a_fact(verb: "Token", aux: "Sequence[Token]") -> bool:
    """Say whether a verb states what was or is so. "Will open", "may have opened" and "followed by her" do not."""
    if aux:
        words = {word.lower_ for word in aux}
        return not (words & NO_FACT or (words & MAYBE and "have" in words))
    has_agent = any(word.dep_ == "agent" or word.lower_ == "by" for word in verb.children)
    return verb.tag_ not in ("VBG", "VB") and not (verb.tag_ == "VBN" and has_agent)


def parts_of(verb: "Token") -> list[Part] | None:
    """Return the parts of a verb: first those behind it, then those before it, in the order of the sentence.

    Return None if the verb has a word that questions leave out, and the clause says something else without it.
    """
    found: list[Part] = []
    for child in verb.children:
        if _changes_meaning(child, verb):
            return None
        if child.dep_ == "advmod":
            adverb = core_of(child)
            if child.lower_ not in JOINING and child.i > verb.i and not has_pointing_word(adverb):
                found.append(Part(child, "other", adverb, []))
        elif (part := _part(child)) is not None:
            found.append(part)
    return sorted(found, key=lambda part: (part.words[0].i < verb.i, part.words[0].i))


def _changes_meaning(child: "Token", verb: "Token") -> bool:
    """Say whether a clause says something else without a word that questions leave out."""
    if child.dep_ == "npadvmod":
        return child.ent_type_ in ("DATE", "TIME") or has_pointing_word(core_of(child))  # "last year"
    if child.text == "first" and child.dep_ == "advmod":
        return not is_first(verb)
    return child.dep_ in ("neg", "ccomp") or child.lower_ in CHANGING or _stands_apart(child, verb) or _is_cut(child)


def _stands_apart(child: "Token", verb: "Token") -> bool:
    """Say whether an object follows a comma. Then it explains another word: "opened in 1927, the first museum"."""
    left = child.left_edge.i
    return child.dep_ in ("dobj", "attr", "oprd") and left > verb.i and child.doc[left - 1].text in (",", ";")


def _is_cut(child: "Token") -> bool:
    """Say whether a phrase with "the" or "first" loses the clause that says which one: "the first who ever ..."."""
    if child.dep_ not in ("dobj", "attr", "oprd", "acomp"):
        return False
    definite = any(word.lower_ in ("the", "first", "only", "last") or word.tag_ == "JJS" for word in child.children)
    return definite and any(_is_long(word) and not _after_comma(word, child) for word in child.children)


def _is_long(word: "Token") -> bool:
    return word.dep_ in ("relcl", "advcl", "ccomp") and len(list(word.subtree)) > 8


def _part(child: "Token") -> Part | None:
    words = core_of(child)
    if child.dep_ in ("prep", "agent", "dative") and child.pos_ == "ADP":
        target = [word for word in words if word.i > child.i]
        noun = next((word for word in child.children if word.dep_ in ("pobj", "pcomp")), None)
        if not target or noun is None:
            return None
        return Part(child, _role(child, noun, target), words, target, child.lower_)
    roles = {"dobj": "object", "xcomp": "other", "attr": "complement", "oprd": "complement", "acomp": "complement"}
    roles["dative"] = "complement"
    return Part(child, roles[child.dep_], words, words) if child.dep_ in roles else None


def _role(prep: "Token", noun: "Token", target: "list[Token]") -> str:
    if prep.dep_ == "agent":
        return "agent"
    said = text_of(target)
    time = (noun.ent_type_ in ("DATE", "TIME") or YEAR.fullmatch(said)) and TIME.search(said)
    if time and prep.lower_ in IN_TIME and len(target) < LONGEST_TIME:
        return "date"
    return "place" if noun.ent_type_ in PLACES and prep.lower_ in IN_PLACE else "prep"


def has_pointing_word(words: "Sequence[Token]") -> bool:
    """Say whether a phrase points at the text before it: "this", "the other", "they"."""
    return any(word.lower_ in POINTING and not _begins_clause(word) for word in words)


def _begins_clause(word: "Token") -> bool:
    """Say whether a word is a "that" which begins a clause instead of pointing at something."""
    return word.lower_ == "that" and word.dep_ in ("mark", "nsubj", "dobj", "nsubjpass")
