"""Find out whether the words around a mention deny it.

A denial reaches as far as its clause, however long that is. The patterns are English. For other languages they know the
plain negations only.
"""

import re


def _any(words: str) -> str:
    """Return a pattern for any of the words. A dot stands for a space, or for an apostrophe of any form."""
    return rf"(?:{'|'.join(word.replace('.', ' ') for word in words.split())})"


N_T = r"n['\u2019]t"
# "not" and the like deny what follows in their clause.
NEGATION = re.compile(
    rf"\b{_any('not never neither nor cannot hardly scarcely no.longer at.no.time at.no.point in.no.way')}\b"
    rf"(?!\s*only\b)|{N_T}\b"
    r"|\u4e0d\u662f|\u5e76\u975e|\u4e26\u975e|\u4e0d\u5728|\u6ca1\u6709|\u6c92\u6709|\u4e0d\u4f1a|\u4e0d\u6703"
    r"|\b(?:nicht|kein(?:e[nmrs]?)?|pas|n\u00e3o|nao)\b|\bno (?:es|fue|era|est[\u00e1a])\b|\bnon (?:[\u00e8e]|era|fu)\b"
    r"|\b(?:\u043d\u0435|\u0644\u064a\u0633|\u0644\u064a\u0633\u062a|\u0644\u0645)\b|\u0e44\u0e21\u0e48",
    re.I,
)
# These deny a whole statement: "no evidence suggests that it was held in Paris", "it is unlikely that", "I doubt".
BACKING = _any(
    "evidence proof indications? signs? reasons? support basis mentions? records? suggestions? hints? information"
    " claims? documents? sources? texts? passages? articles? grounds? way"
)
FALSE = _any(
    "unlikely impossible improbable implausible inconceivable untrue incorrect wrong false inaccurate myth"
    " misconception mistaken? error"
)
REFUTES = _any("ruled?.out rules.out refute[sd]? den(?:y|ies|ied) disprove[sd]? contradict(?:s|ed)? debunk(?:s|ed)?")
UNSUPPORTED = re.compile(
    rf"\b(?:no|not any|little|insufficient|lack of|absence of|without(?: any)?)\s+(?:\w+\s+){{0,2}}?{BACKING}\b"
    r"|\b(?:nothing(?! but\b)|none of|nobody|no one|nowhere|neither of)\b"
    r"|(?<!no )(?<!without )(?<!beyond )(?<!without a )(?<!any )\bdoubt(?:s|ed|ful)?\b"
    rf"|(?<!not )(?<!n't )\b{FALSE}\s+(?:that|to|whether|if)\b|\b{REFUTES}\s+(?:the \w+ )?that\b",
    re.I,
)
# These deny only the words next to them.
NEXT_WORDS = r"(?:\W+\w+){0,3}\W*$"
SET_ASIDE = re.compile(
    r"\b(?:rather than|instead of|other than|except(?! that\b)|unlike|exclud(?:ing|es?|ed)|without|different from|"
    rf"wrongly|mistaken for|confused with|rules? out|ruled out|far from|as opposed to|no)\b{NEXT_WORDS}",
    re.I,
)
ANYTHING_BUT = re.compile(rf"\b(?:anything|anywhere|anyone|everything) (?:else )?but{NEXT_WORDS}", re.I)
# These are no denials, though they have the words: "not only", "none other than", "no doubt", "nothing but".
NONE_EXCEPT = re.compile(
    rf"(?:\b(?:no|none|not|nothing|nowhere|nobody|never)\b|{N_T}\b).*\b(?:except|other than|but)\b"
    r"(?: (?!(?:not|never|no)\b)\w+){0,3}\W*$",
    re.I | re.S,
)
AFFIRMED = _any(
    "only just merely simply until far long to.mention surprisingly unlike without mistaken wrong incorrect false"
    " impossible be.denied help.but deny the.first the.last the.only"
)
NO_NEGATION = re.compile(
    rf"\b(?:not|n't) {AFFIRMED}\b|\bno(?:ne|t)? other than\b|\bno \w+ other than\b|\bno other (?:\w+ ){{1,3}}than\b"
    r"|\bno (?:doubt|question)\b|\bwithout (?:a |any )?(?:doubt|question)\b|\b(?:could|can)(?: ?not|n't) be more\b"
    rf"|\b(?:not|n't) {_any('many all every* widely well often commonly generally').replace('*', '[a-z]*')}\b"
    r"[^.]*\b(?:know|known|reali[sz]e|aware)\b",
    re.I,
)
# Where the clause of a negation ends. After "that" and the like, "it is" begins a clause that the negation governs.
THE_ANSWER = r"the (?:\w+ ){0,2}(?:answer|choice|option) (?:is|was|would be|should be|must be)"
CLAUSE_END = re.compile(
    r"[;:\uff0c\u3002\uff1b]|,(?! or\b)|\b(?:but|however|although|though|while|whereas|yet|before|until|when)\b|"
    + "".join(
        rf"(?<!\b{word} )" for word in ["that", "whether", "if", "say", "think", "believe", "sure", "claim", "mean"]
    )
    + rf"\b(?:it is|it was|it's|he was|she was|{THE_ANSWER})\b"
    r"|\band (?:\w+ly )?(?:he|she|it|they|was|were|is|are|has|had|became|went|came|began|then|\w{2,}ed)\b",
    re.I,
)
# Where a statement ends that a whole frame denies.
STATEMENT_END = re.compile(
    r"[;:]|\b(?:but|however|therefore|thus|hence|instead|whereas|when|yet|except that|actually|in fact|in reality)\b"
    r"|, (?:and )?(?:it is|it was|it's|he|she|they|the answer|this|that is)\b"
    r"|(?:,|;) (?:and )?so\b|\bso (?:i|it|he|she|we|they|the)\b",
    re.I,
)
QUOTED = re.compile(r"\"[^\"\n]*\"|\u201c[^\u201d\n]*\u201d|(?<!\w)'[^'\n]*'(?!\w)")
BRACKETED = re.compile(r"\s*\([^()]*\)\s*")  # in 1932 (not 1934)
TITLE = re.compile(r"\b(?:Not|Never|No|Nothing|Nobody|Without|None|Neither)(?= [A-Z][a-z])")  # Never Let Me Go
# Asides: "which was ..., ", "as many believe, ". The clause goes on behind them.
ASIDE = re.compile(
    r",\s*(?:which|who|whom|whose|where|when|as|like|despite|according|contrary|in spite|though|although|even|for|"
    r"of course|in fact|however|after all|at least|in my|if|to|by|with|from|at|on|in|during|after|before|since|until)"
    r"\b[^,;:.]*,"
    r"|,[^,;:.]*,(?=\s*(?:is|was|are|were|has|had|did|does|took|lies|would|could|will)\b)",
    re.I,
)
RELATIVE = re.compile(
    r"\b(?:who|which|that|whose|where)"
    r"(?: (?:is|was|are|were|has|had|have|do|does|did|can|could|will|would))?\s*$",
    re.I,
)
NEAR_NEGATION = 3  # words that the negation of a relative clause reaches: "the film that did not win starred ..."
# Denials behind a mention: English; then Japanese, Korean, Hindi, Turkish.
RIGHT = _any("answer correct right true it one place person case best mentioned supported stated named listed")
WRONG = _any("incorrect wrong false untrue ruled.out excluded refuted out.of.the.question unsupported")
NOTHING_DENIED, NOT_DENIED = _any("doubt question wonder surprise problem"), _any("only just merely surprising(?:ly)?")
NEGATED_AFTER = re.compile(
    rf"^\W*(?:(?:is|was|are|were|would be|could be)\s+(?:(?:not|never)\s+(?:\w+\s+)?(?:the\s+)?(?:\w+\s+)?{RIGHT}\b"
    rf"|(?:clearly |simply |definitely )?{WRONG}\b)"
    rf"|(?:is|was|are|were){N_T}\s+(?:the\s+)?(?:\w+\s+)?{RIGHT}\b"
    r"|(?:can(?:not| not|'t)|could(?:n't| not)) be (?:the |right|correct|true|it\b)|can be (?:ruled out|excluded)"
    rf"|(?:does|did|do)(?: not|{N_T}) (?:fit|match|work|apply|answer)"
    r"|(?:has|have) been (?:debunked|refuted|disproved|ruled out)"
    # "Canada did not win; Mexico did."
    rf"|(?P<verb>did|does|do|was|were|is|are|has|had)(?: not|{N_T})\b[^.;]{{0,60}}[;,]\s*(?:but )?"
    r"(?!(?:\w+ )?(?:it|he|she|they)\b)\w[\w .'\u2019-]{1,40}\s(?P=verb)(?=\s*(?:[.,;!]|$)))"
    rf"|^[^.?!\n]{{0,80}}\?\W*(?:no(?! {NOTHING_DENIED}\b)|nope|nah|never|unlikely|hardly|wrong|incorrect|false"
    rf"|not (?!{NOT_DENIED}\b)\w+|i doubt"
    r"|i (?:do not|don['\u2019]t) (?:think|believe))\b"
    r"|^(?:\u3067\u306f|\u3058\u3083)(?:\u306a|\u3042\u308a)|^\s*(?:\uc774|\uac00|\uc740|\ub294)?\s*\uc544[\ub2c8\ub2d9\ub2cc]"
    r"|^[^.\u0964,]{0,40}(?:\u0928\u0939\u0940\u0902|\bde[g\u011f]il\b)",
    re.I,
)


def denied(before: str) -> bool:
    """Return whether the words before a mention deny it."""
    text = without_asides(before)
    if NONE_EXCEPT.search(text):
        return False
    if any(
        not _affirms(text, match) and not STATEMENT_END.search(text, match.end())
        for match in UNSUPPORTED.finditer(text)
    ):
        return True
    if re.search(r"\b[a-z]{4,}", text):  # in a text that is a title throughout, capitals say nothing
        text = TITLE.sub(" ", text)
    if ANYTHING_BUT.search(text) or (SET_ASIDE.search(CLAUSE_END.split(text)[-1]) and not NO_NEGATION.search(text)):
        return True
    return any(_reaches(text, match) for match in NEGATION.finditer(text) if not _affirms(text, match))


def without_asides(text: str) -> str:
    """Return the text without quotes, brackets and asides between commas."""
    return ASIDE.sub(" ", BRACKETED.sub(" ", QUOTED.sub(" ", text)))


def _affirms(text: str, negation: re.Match[str]) -> bool:
    """Return whether a word of negation does not negate: "not only", "no evidence against"."""
    if re.search(r"\b(?:none|nobody|no one|no|not|never) (?:\w+ ){0,2}$", text[: negation.start()], re.I):
        return True
    if re.search(r"\b(?:contradict|against|refut|den[yi]|otherwise|doubt|disput)", text[negation.end() :], re.I):
        return True
    return any(one.start() <= negation.start() < one.end() for one in NO_NEGATION.finditer(text))


def _reaches(text: str, negation: re.Match[str]) -> bool:
    """Return whether a negation governs the end of the text."""
    # "It is not, however, Paris": what follows the comma still belongs to it.
    scope = re.sub(r"^\s*,[^,]*,|^\s*,", "", text[negation.end() :])
    if CLAUSE_END.search(scope):
        return False
    if RELATIVE.search(text[: negation.start()]):
        return len(scope.split()) <= NEAR_NEGATION and not re.search(r"\b(?:is|was|are|were)\b", scope, re.I)
    return True
