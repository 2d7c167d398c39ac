"""Find what an output asserts: cut it to the model's own turn, find its final answer, detect denied mentions."""

import re

from rag_instruct.citations import uncited
from rag_instruct.thoughts import without_thoughts

# A base model may go on with an invented question. Its answer to the invented question does not count.
NEXT_TURN = re.compile(
    r"\n\s*(?:#+ *)?(?:Question|Q|Instruction|User|Human|Document \d+|Example \d+)\b *\d* *:?.*", re.S
)
ANSWER_TAG = re.compile(r"<(answer|final_answer|final|response)>(?P<answer>.*?)(?:</\1>|$)", re.S | re.I)
BOXED = re.compile(r"\\(?:boxed|fbox)\{(?P<answer>(?:[^{}]|\{[^{}]*\})*)\}")
MARKUP = re.compile(r"\*\*|__|`|\\(?:text|mathrm|mathbf)\{([^{}]*)\}|<\|[^|>]*\|>|</?s>")

FINAL = re.compile(
    r"\b(?:(?:final|correct|best|right|most likely|short|only|good|possible)\s+)*(?:answer|choice|option)"
    r"(?:\s+(?:to|for)\s+[^.\n:]{1,80}?)?\s*(?:is(?!n't| not\b)|was|would be|should be|must be|:|=)"
    r"(?:\s*:)?\s*(?:that\s+)?"
    r"|(?:\u7b54\u6848|\u7b54\u3048)(?:\u662f|\u4e3a|\u70ba|\u306f|[:\uff1a])\s*"  # Chinese, Japanese
    r"|\b(?:Antwort|r\u00e9ponse|respuesta|resposta|risposta|\u043e\u0442\u0432\u0435\u0442)\s*(?:ist|lautet|est|es|\u00e9|\u00e8|[:\u2014])\s*"
    r"|(?:\uc815\ub2f5|\ub2f5)\s*(?:\uc740|:)\s*|\u0909\u0924\u094d\u0924\u0930\s*[:\u0939]\S*\s*"  # Korean, Hindi
    r"|(?:\u0627\u0644\u0625\u062c\u0627\u0628\u0629|\u0627\u0644\u062c\u0648\u0627\u0628)\s*(?:\u0647\u064a|\u0647\u0648|:)\s*"  # Arabic
    r"|\u0e04\u0e33\u0e15\u0e2d\u0e1a\s*(?:\u0e04\u0e37\u0e2d|:)\s*",  # Thai
    re.I,
)
CORRECTION = re.compile(
    r"(?:(?<=[.!?\u2014])|(?<=\n)|(?<= -))\s*(?:(?:oh|sorry|actually|hmm),? )?"
    r"(?:wait|no,|actually, no|sorry,|correction|on second thought|let me correct|scratch that|i mean)(?!\w)"
    r"[,:.]?\s*(?:no,\s*)?",
    re.I,
)

# "not" and the like deny what follows in their clause, however far.
NEGATION = re.compile(
    r"\b(?:not|never|neither|nor|cannot|hardly|scarcely|no longer|at no (?:time|point)|in no (?:way|sense))\b(?!\s*only\b)|n['\u2019]t\b"
    r"|\u4e0d\u662f|\u5e76\u975e|\u4e26\u975e|\u4e0d\u5728|\u6ca1\u6709|\u6c92\u6709|\u4e0d\u4f1a|\u4e0d\u6703"  # Chinese
    r"|\b(?:nicht|kein(?:e[nmrs]?)?|pas|n\u00e3o|nao)\b|\bno (?:es|fue|era|est\u00e1|esta)\b|\bnon (?:\u00e8|e|era|fu)\b"
    r"|\b(?:\u043d\u0435|\u0644\u064a\u0633|\u0644\u064a\u0633\u062a|\u0644\u0645)\b|\u0e44\u0e21\u0e48",  # Russian, Arabic, Thai
    re.I,
)
# These deny a whole statement ("no evidence suggests that it was held in Paris").
UNSUPPORTED = re.compile(
    r"\b(?:no|not any|little|insufficient|lack of|absence of|without(?: any)?)\s+(?:\w+\s+){0,2}?(?:evidence|proof|indications?|"
    r"signs?|reasons?|support|basis|mentions?|records?|suggestions?|hints?|information|claims?|documents?|sources?|"
    r"texts?|passages?|articles?|grounds?|way)\b"
    r"|\b(?:nothing(?! but\b)|none of|nobody|no one|nowhere|neither of)\b"
    r"|(?<!no )(?<!without )(?<!beyond )(?<!without a )(?<!any )\bdoubt(?:s|ed|ful)?\b"
    r"|(?<!not )(?<!n't )\b(?:unlikely|impossible|improbable|implausible|inconceivable|untrue|incorrect|wrong|false|inaccurate|myth|misconception|mistake|mistaken"
    r"|error)\s+(?:that|to|whether|if)\b"
    r"|\b(?:ruled? out|rules out|refute[sd]?|den(?:y|ies|ied)|disprove[sd]?|contradict(?:s|ed)?|debunk(?:s|ed)?)\s+(?:the \w+ )?that\b",
    re.I,
)
# These deny only the words next to them.
SET_ASIDE = re.compile(
    r"\b(?:rather than|instead of|other than|except|unlike|excluding|without|different from|wrongly|mistaken for|"
    r"confused with|rules? out|ruled out|far from|anything but|as opposed to|no)\b(?:\W+\w+){0,3}\W*$",
    re.I,
)
ANYTHING_BUT = re.compile(r"\b(?:anything|anywhere|anyone|everything) (?:else )?but(?:\W+\w+){0,3}\W*$", re.I)
NO_NEGATION = re.compile(
    r"\b(?:not|n't) (?:only|just|merely|simply|until|far|long|to mention|surprisingly|unlike|without|mistaken|wrong|incorrect|"
    r"false|impossible|be denied|help but|deny)\b|\bno(?:ne|t)? other than\b|\bno \w+ other than\b|\bno other (?:\w+ ){1,3}than\b|\bno (?:doubt|question)\b"
    r"|\bwithout (?:a |any )?(?:doubt|question)\b|\b(?:could|can)(?: ?not|n't) be more\b"
    r"|\b(?:not|n't) (?:many|all|every\w*|widely|well|often|commonly|generally)\b[^.]*\b(?:know|known|reali[sz]e|aware)\b",
    re.I,
)
# Where the clause of a negation ends. After "that" and the like, "it is" begins a clause that the negation governs.
CLAUSE_END = re.compile(
    r"[;:\uff0c\u3002\uff1b]|,(?! or\b)|\b(?:but|however|although|though|while|whereas|yet)\b"
    r"|(?<!\bthat )(?<!\bwhether )(?<!\bif )(?<!\bsay )(?<!\bthink )(?<!\bbelieve )(?<!\bsure )(?<!\bclaim )(?<!\bmean )"
    r"\b(?:it is|it was|it's|he was|she was|the (?:\w+ ){0,2}(?:answer|choice|option) (?:is|was|would be|should be|must be))\b"
    r"|\band (?:\w+ly )?(?:he|she|it|they|was|were|is|are|has|had|became|went|came|began|then|\w{2,}ed)\b|\b(?:before|until)\b",
    re.I,
)
STATEMENT_END = re.compile(
    r"[;:]|\b(?:but|however|therefore|thus|hence|instead|whereas|yet|actually|in fact|in reality)\b"
    r"|, (?:and )?(?:it is|it was|it's|he|she|they|the answer|this|that is)\b|(?:,|;) (?:and )?so\b|\bso (?:i|it|he|she|we|they|the)\b",
    re.I,
)
QUOTED = re.compile(r"\"[^\"\n]*\"|\u201c[^\u201d\n]*\u201d|(?<!\w)'[^'\n]*'(?!\w)")
TITLE = re.compile(r"\b(?:Not|Never|No|Nothing|Nobody|Without|None|Neither)(?= [A-Z][a-z])")
# Asides: "which was ..., ", "as many believe, ". They end before the clause goes on.
ASIDE = re.compile(
    r",\s*(?:which|who|whom|whose|where|when|as|like|despite|according|contrary|in spite|though|although|even|for|of course|"
    r"in fact|however|after all|at least|in my|if|to|by|with|from|at|on|in|during|after|before|since|until)\b[^,;:.]*,"
    r"|,[^,;:.]*,(?=\s*(?:is|was|are|were|has|had|did|does|took|lies|would|could|will)\b)",
    re.I,
)
RELATIVE = re.compile(
    r"\b(?:who|which|that|whose|where)(?: (?:is|was|are|were|has|had|have|do|does|did|can|could|will|would))?\s*$", re.I
)
NEAR_NEGATION = 3  # words that the negation of a relative clause reaches: "the film that did not win starred ..."
NEGATED_AFTER = re.compile(
    r"^\W*(?:(?:is|was|are|were|would be|could be)\s+(?:(?:not|never)\s+(?:\w+\s+)?(?:the\s+)?(?:\w+\s+)?"
    r"(?:answer|correct|right|true|it|one|best|mentioned|supported|stated|named|listed)\b"
    r"|(?:clearly |simply |definitely )?(?:incorrect|wrong|false|untrue|ruled out|excluded|refuted|out of the question|unsupported)\b)"
    r"|(?:is|was|are|were)n['\u2019]t\s+(?:the\s+)?(?:\w+\s+)?(?:answer|correct|right|true|it|one|best|mentioned|supported)\b"
    r"|(?:can(?:not| not|'t)|could(?:n't| not)) be (?:the |right|correct|true|it\b)|can be (?:ruled out|excluded)"
    r"|(?:does|did|do)(?: not|n['\u2019]t) (?:fit|match|work|apply|answer)|(?:has|have) been (?:debunked|refuted|disproved|ruled out))"
    r"|^(?:\u3067\u306f|\u3058\u3083)(?:\u306a|\u3042\u308a)|^\s*(?:\uc774|\uac00|\uc740|\ub294)?\s*\uc544\ub2c8"  # Japanese, Korean
    r"|^[^.\u0964,]{0,40}(?:\u0928\u0939\u0940\u0902|\u0928\u0939\u0940\u0902|\bdegil\b|\bde\u011fil\b)",  # Hindi, Turkish
    re.I,
)
SILENCE = re.compile(
    r"(?:\bnot|\bcannot|n['\u2019]t)\s+(?:explicitly |directly )?(?:be )?"
    r"(?:mention|say|state|specify|provide|contain|indicate|tell|determine|confirm|know|find)(?:d|ed|n)?\b",
    re.I,
)
OTHERS_SAY = re.compile(
    r"\b(?:many|most|some|people|one|you|others|i|we)\b(?: \w+){0,3} "
    r"(?:think|thought|believed?|assumed?|say|said|guess(?:ed)?|claim(?:ed)?)\b"
    r"|\bat first\b|\binitially\b|\bcontrary to\b|\bcommonly (?:thought|believed|confused|mistaken)\b",
    re.I,
)
CONCLUSION = re.compile(r"\b(?:therefore|thus|hence|so|overall|in conclusion|in summary|in short|conclusion)\b", re.I)
CONTRAST = re.compile(r"\b(?:but|however|actually|in fact|in reality|yet)\b", re.I)
UNSURE = re.compile(
    r"\b(?:either|could be|might be|may be|may have been|might have been|possibly|perhaps|maybe|unsure)\b", re.I
)


def own_turn(output: str) -> str:
    """Return the output without reasoning, markup, citations and the turns that the model wrote for other speakers.

    If a part of it is marked as the answer (<answer>, \boxed), return that part.
    """
    text = without_thoughts(output)
    for marked in (ANSWER_TAG, BOXED):
        if found := [match["answer"] for match in marked.finditer(text) if match["answer"].strip()]:
            text = found[-1]
    text = MARKUP.sub(lambda match: match[1] or "", text).strip()
    return uncited(NEXT_TURN.sub("", text)).strip()


def final_answer(text: str) -> str:
    """Return the sentence after the last "the answer is", or the whole text if the phrase does not occur.

    If the sentence begins with a negation, return everything after the phrase. Text before a correction ("wait, no")
    is dropped.
    """
    rest, sentence = final_part(text)
    return rest[:sentence]


def final_part(text: str) -> tuple[str, int]:
    """Return what follows the last "the answer is", and the length of its first sentence. See `final_answer`."""
    if corrections := list(CORRECTION.finditer(text)):
        rest = text[corrections[-1].end() :]
        text = rest if rest.strip(" .!?") else text
    found = [match for match in FINAL.finditer(text) if text[match.end() :].strip(" .:*\n")]
    # "It is not true that the answer is Paris" names no final answer.
    found = [match for match in found if not _denied(around(text, match.end(), match.end())[0])]
    if not found:
        return text, len(text)
    rest = text[found[-1].end() :].strip()
    line = rest.split("\n")[0]
    first = sentences(line)[0]
    if re.match(r"\W*(?:not|never|neither|no longer)\b", first, re.I):
        return rest, len(rest)
    return line, len(first)


NEAR = 2000  # characters on either side that may negate a mention
ABBREVIATED = re.compile(
    r"(?:\b(?-i:[A-Z])|\b(?:Mr|Mrs|Ms|Dr|St|Mt|Ft|Jr|Sr|Co|Inc|Ltd|vs?|Prof|Gen|Capt|Lt|Col|Sgt|Rev|Gov|Sen|Rep|Hon|Ph\.D|approx"
    r"|ca|cf|al|op|e\.g|i\.e))\.$",
    re.I,
)
SENTENCE_END = re.compile(
    r"(?<=[.!?]) +(?=[A-Z\"'(])|(?<=[\u3002\uff01\uff1f\u0964\u061f\u06d4])\s*(?=[^\s\u300d\u300f\u201d\"')\uff09])"
)


def sentences(line: str) -> list[str]:
    """Split a line into sentences, but not after initials and abbreviations."""
    found: list[str] = []
    for part in SENTENCE_END.split(line.strip()):
        if found and ABBREVIATED.search(found[-1]):
            found[-1] += f" {part}"
        else:
            found.append(part)
    return found


def statements(text: str) -> list[str]:
    """Return the non-empty sentences of all lines."""
    return [sentence for line in text.split("\n") for sentence in sentences(line) if sentence.strip()]


def around(text: str, start: int, end: int) -> tuple[str, str]:
    """Return the sentence's parts before and after a mention. The mention may contain a full stop (Mr. Shifter)."""
    line_before = text[max(0, start - NEAR) : start].rsplit("\n", 1)[-1]
    line_after = text[end : end + NEAR].split("\n", 1)[0]
    before, after = sentences(f"{line_before}X")[-1][:-1], sentences(f"x{line_after}")[0][1:]
    return before, after


def sides(text: str, match: re.Match[str]) -> tuple[str, str]:
    """Return up to NEAR characters before and after a match."""
    return text[max(0, match.start() - NEAR) : match.start()], text[match.end() : match.end() + NEAR]


def asserted(before: str, after: str) -> bool:
    """Return whether a sentence asserts the mention between `before` and `after`.

    The sentence must neither deny the mention nor report it as the view of others.
    """
    before, after = before[-NEAR:], after[:NEAR]
    if _denied(before) or NEGATED_AFTER.search(after) or SILENCE.search(STATEMENT_END.split(before)[-1]):
        return False
    return not (OTHERS_SAY.search(before) and CONTRAST.search(after) and not CONTRAST.search(before))


def _denied(before: str) -> bool:
    """Return whether the words before a mention deny it."""
    text = ASIDE.sub(" ", QUOTED.sub(" ", before))
    if any(
        not _affirms(text, match) and not STATEMENT_END.search(text, match.end())
        for match in UNSUPPORTED.finditer(text)
    ):
        return True
    if re.search(r"\b[a-z]{4,}", text):  # in a text that is a title throughout, capitals say nothing
        text = TITLE.sub(" ", text)
    if ANYTHING_BUT.search(text) and not NEGATION.search(text):
        return True
    if (aside := SET_ASIDE.search(CLAUSE_END.split(text)[-1])) and not NO_NEGATION.search(text):
        return bool(aside)
    return any(_reaches(text, match) for match in NEGATION.finditer(text) if not _affirms(text, match))


def _affirms(text: str, negation: re.Match[str]) -> bool:
    """Return whether a negation is none: "not only", "no evidence against"."""
    if re.search(r"\b(?:contradict|against|refut|den[yi]|otherwise)", text[negation.end() :], re.I):
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
