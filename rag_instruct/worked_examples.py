"""Find texts that solve one or more examples before they set their task, as few-shot prompts do."""

import re

# Possessive and within a line, so that a text of thousands of line breaks is read once.
_BEGIN = r"^(?:[^\w\n]|_)*+"
_LABEL = rf"{_BEGIN}(?:(?:example|ex|sample|model)\W{{0,2}})?"
_SOLUTION = r"(?:a|ans|answer|output|solution|response|completion|target|label)\W{0,3}:"
# A solution: a label with text after it, or words that end a chain of thought.
SOLVED = re.compile(
    rf"{_LABEL}(?P<said>{_SOLUTION})[ \t]*+\n?[ \t]*+\S.*$"
    rf"|\?[ \t]+(?P<beside>{_SOLUTION})[ \t]*+\S.*$"
    r"|\b(?P<ended>(?:final )?(?:answer|solution)(?: to .{1,80}?)? is)\b:?[ \t]*+\S.*$",
    re.I | re.M,
)
# A task: a label of one, a question mark, or a label at the end that waits for its solution.
TASK = re.compile(
    rf"{_LABEL}(?:q|question|input|problem|task|instruction|premise|context|sentence|text|passage)\W{{0,3}}:"
    rf"|\?|{_LABEL}{_SOLUTION}\s*\Z",
    re.I | re.M,
)
OPTION_A = re.compile(r"a\W{0,3}:", re.I)
OPTION_B = re.compile(rf"{_BEGIN}b\W{{0,2}}[:.)]", re.I | re.M)


def has_worked_examples(text: str) -> bool:
    """Return whether the text has a solved task, and after it an unsolved one.

    An unsolved label at the end ("Answer:", "Answer: Let's think step by step.") is a form and no example. "A:" before
    "B:" is an option.
    """
    first, last, last_b = TASK.search(text), _last(TASK, text), _last(OPTION_B, text)
    for solved in SOLVED.finditer(text) if first else ():
        start = max(solved.start(name) for name in ("said", "beside", "ended"))
        if OPTION_A.match(text, start) and last_b >= solved.end():
            continue
        if first and first.start() < start and last >= solved.end():
            return True
    return False


def _last(pattern: re.Pattern[str], text: str) -> int:
    """Return where the last match begins, or -1. One search for each example would take long in a long text."""
    return max((found.start() for found in pattern.finditer(text)), default=-1)
