"""Finds texts that solve one or more examples before they set their task, as few-shot prompts do."""

import re

_LABEL = r"^[\W_]*(?:(?:example|ex|sample|model)\W{0,2})?"
_SOLUTION = r"(?:a|ans|answer|output|solution|response|completion|target|label)\W{0,3}:"
# A solution: a label with text after it, or words that end a chain of thought.
SOLVED = re.compile(
    rf"{_LABEL}(?P<said>{_SOLUTION})[ \t]*\n?[ \t]*\S.*$"
    rf"|\?[ \t]+(?P<beside>{_SOLUTION})[ \t]*\S.*$"
    r"|\b(?P<ended>(?:final )?(?:answer|solution)(?: to .{1,80}?)? is)\b:?[ \t]*\S.*$",
    re.I | re.M,
)
# A task: a label of one, a question mark, or a label at the end that waits for its solution.
TASK = re.compile(
    rf"{_LABEL}(?:q|question|input|problem|task|instruction|premise|context|sentence|text|passage)\W{{0,3}}:"
    rf"|\?|{_LABEL}{_SOLUTION}\s*\Z",
    re.I | re.M,
)
OPTION_A = re.compile(r"a\W{0,3}:", re.I)
OPTION_B = re.compile(r"^\W*b\W{0,2}[:.)]", re.I | re.M)


def has_worked_examples(text: str) -> bool:
    """Say whether the text has a solved task, and after it a task that is left to solve.

    An unsolved label at the end ("Answer:", "Answer: Let's think step by step.") is a form and no example. "A:" before
    "B:" is an option.
    """
    for solved in SOLVED.finditer(text):
        start = max(solved.start(name) for name in ("said", "beside", "ended"))
        if OPTION_A.match(text, start) and OPTION_B.search(text, solved.end()):
            continue
        if TASK.search(text, 0, start) and TASK.search(text, solved.end()):
            return True
    return False
