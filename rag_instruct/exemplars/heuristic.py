"""The free exemplar filter: finds, by words alone, the instructions that need facts from documents."""

import re
from collections.abc import Iterable

from rag_instruct.language import other_language
from rag_instruct.reasons import Reason
from rag_instruct.schema import DroppedExemplar, Exemplar, fields_of


def _any(words: str) -> str:
    """Return a pattern that matches any of the words. Each may be a pattern; "." is the blank inside a term."""
    return rf"\b({'|'.join(words.split())})\b"


TECHNOLOGY = _any(
    r"python javascript typescript rust sql html css regex react node\.?js pandas numpy bash git docker excel"
)
# A question about what a technology is needs knowledge. A question how to do something with it needs a program.
KNOWING = (
    r"^(please )?(what (is|are|was|were)|who|when|which|why|explain|describe|compare|discuss|outline|define"
    r"|(list|name|state|tell|give|identify|summari[sz]e).{0,30}\b(differences?|advantages?|features?|history|uses|steps)"
    r"|.{0,30}\bdifferences? between)\b"
)
CODE = _any(
    "regular.expression source.code snippet api endpoints? stack.trace segmentation.fault typeerror unit.tests?"
    " dataframe"
)
BUILT = _any(r"code function script program class(es)? query algorithm app")
OWN_TEXT = _any(
    "sentences? paragraphs? text grammar passage words? phrases? message tone review article email notes items"
    " stor(y|ies) poem speech dialogue conversation lyrics"
)
INVENTED = _any(
    r"poem haiku limerick story song lyrics rap joke pun riddle slogan tagline e-?mail letter tweet post caption"
    r" dialogue scene headline advert(isement)? speech toast fiction(al)? novel product.description game script"
)
VERSES = _any("poem haiku limerick joke pun riddle slogan tagline rap rhyme (bedtime.|short.)?story")
MINE = _any(
    r"boss friend wife husband mom mum dad mother father cousin son daughter cat dog job sister brother neighbou?r"
    r" roommate partner colleague boyfriend girlfriend birthday anniversary weekend house kitchen landlord cv resume"
)
YOURS = _any(r"feel have like think remember better real human alive sentient ai")
SCHOOL = _any(
    "fractions? ratio.of divisible (greatest|least|lowest).common (area|volume|perimeter|radius|multiples?|factors?).of"
    " (two|three).circles fibonacci median.of mode.of mean.of decimal.places integers"
)
NEAR = r".{0,40}"
# "Create" and the like ask for invention, unless they ask for a text about facts, such as a summary.
MADE = (
    r"\A\W*(please |can you |could you )?(generate|create|design|compose|brainstorm|come up with|formulate|invent"
    r"|produce|construct|make|draft)\b"
    r"(?!.*\b(overview|summary|timeline|report|essay|articles?|paragraph|outline|facts?|history|guide|quiz"
    r"|comparison|multiple.choice|explanation|version|description of|causes?|effects?|steps|plan to|solutions?"
    r"|ways|benefits|advantages|presentation|(tables?|charts?|rankings?) of"
    r"|list of (?!.{0,20}\b(ideas|names|tasks|words|activities|features))"
    r"(\w+ ){0,3}\w+)\b)"
)
# Instructions that documents cannot help with. The first reason with a matching pattern counts.
DROP = {
    Reason.CODE: [
        "```",
        r"[{};]\s*\n",
        r"\bc(\+\+|#)",
        CODE,
        rf"\A(?!{KNOWING}).*{TECHNOLOGY}",
        r"\bprint\(",
        _any("write implement debug fix develop build design construct") + NEAR + BUILT,
    ],
    Reason.ARITHMETIC: [
        r"\d\s*[+*/^=]\s*\d",
        r"\d\s+-\s+\d",
        r"\d[xyn]\b",
        r"\d ?(%|percent) of \d",
        _any("calculate compute solve simplify derivative integral equation square.root average.of probability"),
        SCHOOL,
        _any("next.in.the.sequence ascending.order smallest.to prove.that puzzle"),
        _any("find list determine identify")
        + r".{0,20}"
        + _any("prime even odd whole two three")
        + r" (\w+ )?numbers?\b",
        # (?>...) takes the first match only, so that a long instruction is read once.
        r"\A(?>.*?\d)(?>.*?\bhow (much|many|long|far)\b).*\b(pay|cost|left|together|remain|need|have)\b",
        r"\A(?>.*?\d).*\b(are|is) left\b",
        r"\A(?>.*?\bconvert\b).*\d",
        r"\bif all \w+ are\b",
    ],
    Reason.CREATIVE: [
        _any("write compose create invent make(.up)? generate draft tell continue draw") + NEAR + INVENTED,
        _any("come.up.with brainstorm suggest give.me") + r".{0,20}" + _any("names? ideas? titles? slogans?"),
        r"\bimagine (a|that|you (are|were) (?!a (guide|teacher|museum)))",
        r"\byou are an? .{0,40}\b(character|captain|pirate)\b",
        MADE,
        _any("give tell provide need want show") + NEAR + VERSES,
        _any("write create generate make come.up.with think.of design")
        + NEAR
        + r"\bquestions (that|to|you|one|people|for)\b",
        _any("stay.in.character logo role-?play business.plan shopping.list to-?do.list packing.list"),
    ],
    Reason.TEXT: [
        _any("rewrite re-?phrase re-?word paraphrase proofread translate shorten fill.in.the.blanks? odd.one.out"),
        _any("edit correct fix improve") + NEAR + OWN_TEXT,
        _any("summari[sz]e classify categori[sz]e identify convert extract find turn make (re)?arrange replace given")
        + NEAR
        + r"\b(following|this|the|these|words?)\b.{0,20}"
        + OWN_TEXT,
        r"^(article|passage|text|review|context|paragraph|premise): .{40}",
        # After the line break there are at least four words (fewer may be a name), and no options of a choice.
        r"^[^\n]*\b(following|below|the input)\b[^\n]*\n(?!\W*A\W)(?=\W*\w+(\W+\w+){3})",
        r"\A[^\n]*\b(this|these|the|an?|two)\b[^\n]{0,25}" + OWN_TEXT + r"[^\n]*\n+[^\n]{20}",
        r"\Agiven\b[^\n]*\n(?=\W*\w+(\W+\w+){6})",
        # After the line break there is a sentence, or a line "name: value", to work on. The first line does not ask
        # whether something is true.
        r"\A(?![^\n]*\b(claim|statement|true|false|right|correct|fact|solution|problem))[^\n]+\n++"
        r"(?!\W*(a|answer|options?)\W)(\w+: [^\n]+\n|[^\n?]{30,}[.!]\s*\Z)",
        r"^\W*(take|read|put|insert|format|select|complete|sort) ",
        _any("the.passage the.following.quote analogy (example|a|first|second).sentence"),
        _any("synonyms? antonyms? rhymes? hypernyms? more.(polite|formal|professional)"),
        _any("correct fix check punctuated? capitali[sz]e spell(ing)?")
        + NEAR
        + _any("sentence text spelling punctuation capitali[sz]ation word"),
        _any("list.of") + r" (\w+ )?" + _any("verbs nouns adjectives adverbs words"),
    ],
    Reason.PERSONAL: [
        r"\bI'm (bored|sad|tired|lonely|feeling|stuck)\b",
        r"^should I\b",
        _any("I.feel advice how.(are|was|is).your? your.(favou?rite|day|name|opinion)"),
        r"\b(do|are|can|did|have|were) you (an? )?" + YOURS,
        _any("who.(made|created|are).you think.of.me remind.me help.me"),
        r"\bmy " + MINE,
        r"\byou('ve| have)? (just )?(had|purchased|bought|received|experienced)\b",
    ],
    Reason.SMALL_TALK: [
        r"^\W*(hi|hello|hey|thanks?|thank you|good (morning|evening|night|day)|what'?s up|ok(ay)?|yes|no|sure|continue"
        r"|go on|test|nice|great|cool)\b(?!.*\b(explain|what|who|how)\b)",
    ],
    Reason.CURRENT: [
        _any("latest newest most.recent(ly)? up-to-date currently nowadays right.now trending in-demand best-selling"),
        _any("most.popular today's this.(year|month|week|season)"),
        r"\bcurrent "
        + _any("president price trends? state status events? news market weather version champion population ceo"),
    ],
    Reason.INCOMPLETE: [
        _any("attach(ed|ment) uploaded previous.(instructions?|answer) help.me.with.something"),
        _any("the.(above|picture|image|photo|table|figure|file|screenshot)"),
        r"https?://",
        r"\bmy (question|file)\b",
        r"\byou did(n'?t| not)\b",
        r"\bsay \"",
    ],
}
# An English instruction must match one of these, or have a question mark: it asks for something, or it names something.
ASKS = _any(
    r"what who whom whose which when where why how did does do are was were can claim true.or.false explain describe"
    r" compare contrast discuss outline summari[sz]e list table name define identify evaluate analy[sz]e provide tell"
    r" give state report overview biography timeline history facts differences? causes? effects? symptoms? recommended"
    r" determine find solutions? strateg(y|ies) methods measures classify categori[sz]e"
)
NAMES = r"(?<=[\w,;] )[A-Z][\w'-]+|\b(1\d|20)\d\d\b"

_DROP = {name: re.compile("|".join(patterns), re.I | re.S) for name, patterns in DROP.items()}
_SIGN = re.compile(rf"(?i:\?|{ASKS})|{NAMES}")


def drop_reason(instruction: str) -> Reason | None:
    """Return why documents would not help with an instruction, or None if they would.

    The patterns are English. So from instructions in another language, we drop only those with code.
    """
    if other_language(instruction, "en"):
        return Reason.CODE if _DROP[Reason.CODE].search(instruction) else None
    reason = next((name for name, rule in _DROP.items() if rule.search(instruction)), None)
    return reason or (None if _SIGN.search(instruction) else Reason.NO_QUESTION)


def filter_by_heuristic(exemplars: Iterable[Exemplar]) -> tuple[list[Exemplar], list[DroppedExemplar]]:
    """Return the exemplars that we keep, and the dropped ones with their reasons."""
    kept: list[Exemplar] = []
    dropped: list[DroppedExemplar] = []
    for exemplar in exemplars:
        if reason := drop_reason(exemplar.instruction):
            dropped.append(DroppedExemplar(**fields_of(exemplar), reason=reason))
        else:
            kept.append(exemplar)
    return kept, dropped
