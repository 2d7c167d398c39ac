"""Find what an output asserts: cut it to the model's own turn, find its final answer, detect denied mentions."""

import re

from rag_instruct.citations import uncited

# A base model may go on with an invented question. Its answer to the invented question does not count.
NEXT_TURN = re.compile(
    r"\n\s*(?:#+ *)?(?:Question|Q|Instruction|User|Human|Document \d+|Example \d+)\b *\d* *:?.*", re.S
)
THOUGHTS = re.compile(r"<(think|thinking|reasoning)>.*?(</\1>|$)", re.S | re.I)
MARKUP = re.compile(r"\*\*|__|`|\$?\\boxed\{([^{}]*)\}\$?|\\text\{([^{}]*)\}|<\|[^|>]*\|>|</?s>")

FINAL = re.compile(
    r"\b(?:(?:final|correct|best|right|most likely|short|only|good|possible)\s+)*(?:answer|choice|option)"
    r"(?:\s+(?:to|for)\s+[^.\n:]{1,80}?)?\s*(?:is(?!n't| not\b)|was|would be|should be|must be|:|=)"
    r"(?:\s*:)?\s*(?:that\s+)?",
    re.I,
)
CORRECTION = re.compile(
    r"(?:(?<=[.!?\u2014])|(?<=\n)|(?<= -))\s*(?:(?:oh|sorry|actually|hmm),? )?"
    r"(?:wait|no,|actually, no|sorry,|correction|on second thought|let me correct|scratch that|i mean)(?!\w)"
    r"[,:.]?\s*(?:no,\s*)?",
    re.I,
)

# A negation, and up to three words between it and the negated text.
NEGATION = re.compile(
    r"(?:\b(?:not|never|neither|nor|cannot|rather than|instead of|other than|except|unlike|excluding|without|"
    r"different from|wrongly|mistaken for|confused with)\b|n['\u2019]t\b)(?:\W+\w+){0,3}\W*$",
    re.I,
)
NO_NEGATION = re.compile(r"\b(?:not only|not just|not until|none other than|no \w+ other than|not to mention)\b", re.I)
NEGATED_AFTER = re.compile(
    r"^\W*(?:(?:is|was|are|were|would be)\s+(?:not\s+(?:the\s+)?(?:answer|correct|right|true|it|one|best)\b|"
    r"(?:incorrect|wrong|false|untrue)\b)"
    r"|(?:is|was|are|were)n['\u2019]t\s+(?:the\s+)?(?:answer|correct|right|true|it|one)\b)",
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
CLAUSE_END = re.compile(
    r"[;:]|,(?! or\b)|\b(?:but|however|although|though|while|whereas|yet|it is|it was|it's|he was|she was)\b", re.I
)
UNSURE = re.compile(
    r"\b(?:either|could be|might be|may be|may have been|might have been|possibly|perhaps|maybe|unsure)\b", re.I
)


def own_turn(output: str) -> str:
    """Return the output without reasoning, markup, citations and the turns that it has for other speakers."""
    text = MARKUP.sub(lambda found: found[1] or found[2] or "", THOUGHTS.sub(" ", output)).strip()
    return uncited(NEXT_TURN.sub("", text)).strip()


def final_answer(text: str) -> str:
    """Return the sentence after the last "the answer is", or the whole text if the phrase does not occur.

    If the sentence begins with a negation, return everything after the phrase. Text before a correction ("wait, no")
    is dropped.
    """
    if corrections := list(CORRECTION.finditer(text)):
        rest = text[corrections[-1].end() :]
        text = rest if rest.strip(" .!?") else text
    found = [match for match in FINAL.finditer(text) if text[match.end() :].strip(" .:*\n")]
    if not found:
        return text
    rest = text[found[-1].end() :].strip()
    first = sentences(rest.split("\n")[0])[0]
    return rest if re.match(r"\W*(?:not|never|neither|no longer)\b", first, re.I) else first


NEAR = 200  # characters on either side that may negate a mention
ABBREVIATED = re.compile(
    r"(?:\b[A-Z]|\b(?:Mr|Mrs|Ms|Dr|St|Mt|Ft|Jr|Sr|Co|Inc|Ltd|No|vs|Prof|Gen|Capt|Lt|Col|Sgt|Rev|Gov|Sen|Rep|approx|ca|e\.g"
    r"|i\.e))\.$"
)


def sentences(line: str) -> list[str]:
    """Split a line into sentences, but not after initials and abbreviations."""
    found: list[str] = []
    for part in re.split(r"(?<=[.!?]) +(?=[A-Z\"'(])", line.strip()):
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
    clause = CLAUSE_END.split(before)[-1]
    if NEGATION.search(clause) and not NO_NEGATION.search(clause):
        return False
    if NEGATED_AFTER.search(after) or SILENCE.search(CONTRAST.split(before)[-1]):
        return False
    return not (OTHERS_SAY.search(before) and CONTRAST.search(after) and not CONTRAST.search(before))
