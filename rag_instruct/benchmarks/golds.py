"""Measure a benchmark's scorer with outputs that are made from its own gold answers, so that the score is known."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rag_instruct.benchmarks import Benchmark
from rag_instruct.errors import UserError
from rag_instruct.schema import Question
from rag_instruct.scoring.spelling import normalized
from rag_instruct.tables import frame, markdown

RIGHT = {
    "as it is": "{}",
    "in a sentence": "It is {}.",
    "in a longer sentence": "According to the documents that I was given, it was {}, as far as I know.",
    "after a marker": "The answer is {}.",
}
CASES: dict[str, Callable[[str], str]] = {
    "as written": str,
    "CAPITALS": str.upper,
    "Title Case": lambda text: " ".join(word[:1].upper() + word[1:].lower() for word in text.split(" ")),
}
DENIED = {
    "denied": "It is not {}.",
    "denied from afar": "It is not, as many of the older books on this subject would have us believe, the case of {}.",
    "without evidence": "No evidence suggests that it was {}.",
    "denied behind": "{} is not the right answer to this question.",
    "denied after a marker": "The answer is not {}.",
    "unsupported": "There is nothing in any of the documents that were given to me which would support {}.",
}
CHOSEN = {
    "chosen by label": "I would choose {label} because it fits the question best.",
    "chosen by label, with a reason in its words": "I would choose {label} because {text} fits best.",
    "label and text": "{label}. {text}",
    "label in a sentence": "The correct option is {label}.",
    "text in a sentence": "I think that it is {text}.",
}
KINDS = ("open", "multi_hop", "choice")
STEPS = (1, 61)  # a wrong answer is that of the question so many places further on


class Output(NamedTuple):
    """An output, and the score that a careful reader gives."""

    kind: str
    question: Question
    text: str
    right: int


def outputs(kind: str, questions: Sequence[Question]) -> Iterator[Output]:
    """Yield outputs for all questions of a benchmark whose `kind` is open, multi_hop or choice."""
    yield from _choices(questions) if kind == "choice" else _open(questions)


def _choices(questions: Sequence[Question]) -> Iterator[Output]:
    for question in questions:
        label, options = question.answers[0], dict(question.choices)
        for case, change in CASES.items():
            yield Output(f"text {case}", question, change(options[label]), 1)
            yield Output(f"text after a marker, {case}", question, change(f"The answer is {options[label]}"), 1)
        for kind, wording in CHOSEN.items():
            for one, text in options.items():
                right = int(one in question.answers)
                yield Output(
                    f"{kind}, {'right' if right else 'wrong'}", question, wording.format(label=one, text=text), right
                )
        for kind, wording in DENIED.items():
            yield Output(kind, question, wording.format(options[label]), 0)
        other = next(one for one in options if one not in question.answers)
        yield Output("two labels", question, f"{label} or {other}", 0)
        yield Output("two texts", question, f"{options[label]} or {options[other]}", 0)


def _open(questions: Sequence[Question]) -> Iterator[Output]:
    # Verdicts (yes, no) have other rules.
    questions = [question for question in questions if question.answers[0].lower() not in ("yes", "no")]
    for number, question in enumerate(questions):
        gold = question.answers[0]
        for kind, wording in RIGHT.items():
            for case, change in CASES.items():
                yield Output(f"{kind}, {case}", question, change(wording.format(gold)), 1)
        yield Output("gold capitals in a sentence", question, f"It is {gold.upper()}.", 1)
        yield Output("small letters", question, gold.lower(), 1)
        for kind, wording in DENIED.items():
            yield Output(kind, question, wording.format(gold), 0)
        for step in STEPS:
            yield from _with_wrong_answer(question, questions[(number + step) % len(questions)].answers[0])


def _with_wrong_answer(question: Question, other: str) -> Iterator[Output]:
    """Yield wrong outputs with another question's answer, unless only a reader can tell that it is wrong."""
    gold, own = question.answers[0], {normalized(answer) for answer in question.answers}
    if not other.strip() or _contains(normalized(other), own):
        return
    yield Output("another's answer", question, f"It is {other}.", 0)
    yield Output("another's answer in CAPITALS", question, f"IT IS {other.upper()}.", 0)
    yield Output("either", question, f"It is {gold} or {other}.", 0)
    yield Output("either, the other first", question, f"It is {other} or {gold}.", 0)
    yield Output("another, not the gold", question, f"It is {other}, not {gold}.", 0)
    yield Output("corrected", question, f"Some say {gold}, but the answer is {other}.", 0)


def _contains(words: tuple[str, ...], answers: set[tuple[str, ...]]) -> bool:
    return any(
        words[start : start + len(answer)] == answer
        for answer in answers
        for start in range(len(words) - len(answer) + 1)
    )


def measure(benchmark: Benchmark, questions: Sequence[Question]) -> tuple[dict[str, list[int]], list[Output]]:
    """Return for each kind of output how many were made and scored rightly, and the outputs that were not.

    Raises UserError for a benchmark of another kind, such as one with verdicts, or if only some questions have
    choices.
    """
    unfit = next((one for one in questions if bool(one.choices) != (benchmark.kind == "choice")), None)
    if benchmark.kind not in KINDS or unfit:
        raise UserError(
            f"{benchmark.name}: outputs are made only for benchmarks of the kinds {', '.join(KINDS)}, where all or no "
            f"questions have choices: leave {benchmark.name} out"
        )
    counts: dict[str, list[int]] = {}
    wrong: list[Output] = []
    for output in outputs(benchmark.kind, questions):
        scored = benchmark.score(output.question, output.text)[benchmark.metric]
        count = counts.setdefault(output.kind, [0, 0])
        count[0] += 1
        count[1] += scored == output.right
        if scored != output.right:
            wrong.append(output)
    return counts, wrong


def table(measured: dict[str, dict[str, list[int]]]) -> str:
    """Return a Markdown table: the percentage scored rightly, by kind of output and benchmark."""
    kinds = list(dict.fromkeys(kind for counts in measured.values() for kind in counts))
    rows = (
        [kind, *(f"{100 * c[kind][1] / c[kind][0]:.1f}" if kind in c else "" for c in measured.values())]
        for kind in kinds
    )
    return markdown(frame(["output", *measured], rows))
