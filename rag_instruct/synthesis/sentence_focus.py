"""Focuses on facts, for small teachers: chooses what a question asks, its source documents and its possible wordings.

A model of 135 million parameters cannot write questions about real text. So the questions are made from parsed
sentences (`questions`, `tasks`), and the teacher chooses the wording that suits the exemplar.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import permutations, product
from typing import NamedTuple

from rag_instruct.corpus.linking import article, link
from rag_instruct.corpus.passages import Passage
from rag_instruct.files import digest
from rag_instruct.schema import Link
from rag_instruct.synthesis.clauses import YEAR
from rag_instruct.synthesis.facts import THING, Fact
from rag_instruct.synthesis.focus import Focus
from rag_instruct.synthesis.tasks import (
    NEAR,
    Task,
    as_sentence,
    bridged,
    combined,
    compared,
    inferred,
    same_relation,
    stated,
    unit_of,
)
from rag_instruct.words import content

# Paradigms that can ask for the same facts. A hash gives each fact to one of them; the others use it later. The two
# STATING ones, which ask for what a document states, never share a fact: their questions would be the same.
STATING = ("useless_doc", "single_doc_answer")
OF_ONE = (*STATING, "single_doc_support")
COMPARING = ("multi_doc_support", "multi_doc_answer")
_link = lru_cache(maxsize=1 << 14)(link)  # the same passages are compared for each pair of their facts
EQUALLY_GOOD = 4  # passages next to each other in rank
# Added to a candidate's grade; a candidate with a higher grade comes later
PENALTY_UNLIKE = 20  # two events of different relations are compared: after all others
PENALTY_OTHER_PARADIGM = 3  # the fact belongs to another paradigm
MOST_WORDS, PENALTY_LONG = 14, 4  # the question has more words; questions with twice as many are left out
OPTIONS = 4
IMITATED = 25  # words of the exemplar that the teacher reads

KINDS = {
    "choice": r"\(?\bA[.):] ?\S.*\bB[.):] ?\S|\bof the following\b|\boptions:",
    "claim": r"\b(is|was) it (true|correct|right)\b|\btrue or false\b|\bfact-check\b|\bthe (claim|statement)\b",
    "comparison": r"\b(compar\w+|contrast|differen\w+|differ|versus|vs|similarit\w+|in common)\b",
    "explanation": r"^(please |can you |could you )*explain\b|^why\b|^how (do|does|did|is|are|was|were|has|can)\b",
    "question": r"\?$|^(what|who|when|where|which|how)\b",
}
# Wordings of a task by kind. {direct} is "When was she born?", {said} "when she was born".
WORDINGS = {
    "command": ("State {said}.", "Tell me {said}.", "Find out {said}.", "Say {said}."),
    "explanation": ("Can you tell me {said}?", "Please tell me {said}.", "Could you tell me {said}?"),
    "claim": ("Is it true that {claim}?", "True or false: {claim}."),
}
QUESTION = ("{direct}", "Do you know {said}?", "Can you tell me {said}?")


class Candidate(NamedTuple):
    """A task with the passages that state its facts, and how good it is: 0 is best."""

    task: Task
    passages: tuple[Passage, ...]
    grade: int
    links: tuple[Link, ...] = ()


def kind_of(instruction: str) -> str:
    """Return the form of an instruction, judged by its words: one of KINDS, or "command"."""
    if not instruction:  # no exemplar to imitate
        return "question"
    text = " ".join(instruction.split())
    return next((kind for kind, pattern in KINDS.items() if re.search(pattern, text, re.I)), "command")


def focuses(
    paradigm: str, exemplar: str, ranked: list[Passage], facts: Mapping[str, Sequence[Fact]], seed: str
) -> Iterator[Focus]:
    """Yield focuses on the facts of ranked passages, the best first. `facts` are those of each passage, by its id.

    Passages count as equally good in groups of EQUALLY_GOOD, by rank. A hash of the seed and the question orders
    what is equally good.
    """
    known = [fact for passage in ranked for fact in facts.get(passage.id, ())]
    rank = {passage.id: place // EQUALLY_GOOD for place, passage in enumerate(ranked)}
    found = [one for one in CANDIDATES[paradigm](ranked, facts) if len(one.task.question.split()) < 2 * MOST_WORDS]
    if paradigm in STATING:
        found = [one for one in found if _owner(one.task, STATING) == paradigm]
    found.sort(
        key=lambda one: (
            one.grade
            + min(rank[passage.id] for passage in one.passages)
            + PENALTY_LONG * (len(one.task.question.split()) > MOST_WORDS)
            + PENALTY_OTHER_PARADIGM * (_owner(one.task) != paradigm),
            digest(seed, one.task.question),
        )
    )
    kind, beginning = kind_of(exemplar), " ".join(exemplar.split()[:IMITATED])
    for one in found:
        if shown := _shown(paradigm, one, ranked):
            hidden = tuple(passage for passage in ranked if passage not in shown and _states(passage, one.task))
            variables = {**_variables(one.task, kind, known, seed), "instruction": beginning}
            yield Focus(shown, hidden, variables, True, one.links)


def _owner(task: Task, among: Sequence[str] = ()) -> str:
    """Return the paradigm to which a hash gives the facts of a task: one of `among`, or of all that can use them."""
    among = among or (COMPARING if len(task.facts) > 1 and len({one.subject for one in task.facts}) > 1 else OF_ONE)
    said = sorted(fact.sentence for fact in task.facts)
    return min(among, key=lambda name: digest(*said, name))


def _shown(paradigm: str, one: Candidate, ranked: Sequence[Passage]) -> tuple[Passage, ...]:
    """Return the source documents. For useless_doc, this is the related passage that does not help."""
    if paradigm != "useless_doc":
        return one.passages
    subject = one.task.facts[0].subject
    words = content(one.passages[0].document)
    others = [
        passage
        for passage in ranked
        if article(passage) != article(one.passages[0])
        and not _states(passage, one.task)
        and subject not in passage.document
    ]
    return tuple(sorted(others, key=lambda other: -len(content(other.document) & words))[:1])


def _states(passage: Passage, task: Task) -> bool:
    """Say whether a passage has a fact of the task, or seems to have one in other words."""
    return any(
        fact.sentence in passage.text or (fact.target in passage.text and fact.subject in passage.document)
        for fact in task.facts
    )


def _single(
    tasks: Callable[[Sequence[Fact]], Iterable[Task]], ranked: Sequence[Passage], facts: Mapping[str, Sequence[Fact]]
) -> Iterator[Candidate]:
    """Yield the tasks that the facts of one passage make."""
    for passage in ranked:
        for task in tasks(facts.get(passage.id, ())):
            yield Candidate(task, (passage,), int(task.asks == "definition"))


def _all_stated(facts: Sequence[Fact]) -> list[Task]:
    return [stated(fact) for fact in facts if fact.asks != "link"]


def _of_two(
    tasks: Callable[[Fact, Fact], Iterable[Task]], ranked: Sequence[Passage], facts: Mapping[str, Sequence[Fact]]
) -> Iterator[Candidate]:
    """Yield the tasks of two facts from passages of different articles. Neither passage may state both facts."""
    for one, other in permutations(ranked, 2):
        if article(one) == article(other):
            continue
        between = _link(one, other)
        for first, second in product(facts.get(one.id, ()), facts.get(other.id, ())):
            for task in tasks(first, second):
                if not (_states(one, stated(second)) or _states(other, stated(first))):
                    same_kind = bool(first.noun) and first.noun == second.noun
                    grade = 0 if between else 1 if same_kind else 2
                    grade += 0 if same_relation(first, second) else PENALTY_UNLIKE
                    yield Candidate(task, (one, other), grade, (between,) if between else ())


def _combined(ranked: Sequence[Passage], facts: Mapping[str, Sequence[Fact]]) -> Iterator[Candidate]:
    for one in _of_two(bridged, ranked, facts):
        yield one._replace(grade=-PENALTY_OTHER_PARADIGM)  # such questions are rare, and belong to no other paradigm
    for one in _of_two(combined, ranked, facts):
        yield one._replace(grade=one.grade + 1)


CANDIDATES: dict[str, Callable[[Sequence[Passage], Mapping[str, Sequence[Fact]]], Iterator[Candidate]]] = {
    "useless_doc": partial(_single, _all_stated),
    "single_doc_support": partial(_single, inferred),
    "multi_doc_support": partial(_of_two, compared),
    "single_doc_answer": partial(_single, _all_stated),
    "multi_doc_answer": _combined,
}


def _variables(task: Task, kind: str, known: Sequence[Fact], seed: str) -> dict[str, str]:
    """Return the prompt's variables.

    - `kind`: the form of the task
    - `fact`: the sentences from which the answer follows
    - `questions`: the possible wordings, one a line
    - `answer`: the answer. If another fact has a target of the same form, a hash makes about half of these claims
      false. All other claims are true.
    - `options` and `letter`, for choices: the target and up to three wrong ones, and the letter of the target
    """
    fact = task.facts[0]
    alike = {one.target for one in known if one.asks == task.asks and _may_be_false(fact, one)}
    wrong = sorted(
        (target for target in alike if target not in fact.sentence and _is_like(fact.target, target)),
        key=lambda target: digest(seed, task.question, target),
    )
    kind = _possible(kind, task, len(wrong))
    options = sorted([task.target, *wrong[: OPTIONS - 1]], key=lambda target: digest(seed, "option", target))
    variables = {
        "kind": kind,
        "fact": " ".join(as_sentence(one.statement) for one in task.facts),
        "answer": task.answer,
        "options": "\n".join(f"{letter}. {text}" for letter, text in zip("ABCD", options, strict=False)),
        "letter": "ABCD"[options.index(task.target)],
    }
    claim = fact.statement
    if kind == "claim":
        false = bool(wrong) and int(digest(seed, task.question, "verdict"), 16) % 2 == 0
        claim = claim.replace(task.target, wrong[0], 1) if false else claim
        variables["answer"] = f"{'No' if false else 'Yes'}. {task.answer}"
    forms = WORDINGS.get(kind, QUESTION)
    said = {"direct": task.question, "said": task.indirect, "claim": claim}
    return {**variables, "questions": "\n".join(form.format_map(said) for form in forms)}


def _may_be_false(fact: Fact, other: Fact) -> bool:
    """Say whether another fact's target is surely a wrong answer. A place may lie in another one."""
    if fact.asks == "where" or fact.label != other.label or fact.label == THING:
        return False
    return fact.asks != "count" or (fact.relation == other.relation and unit_of(fact) == unit_of(other))


def _is_like(target: str, wrong: str) -> bool:
    """Say whether a wrong answer has the form of the right one, so that readers cannot tell them apart by their form.

    Both have as many words, and both or neither have a year. The years are near each other.
    """
    years = [int(year) for text in (target, wrong) for year in YEAR.findall(text)]
    near = not years or (len(years) == 2 and abs(years[0] - years[1]) <= NEAR)
    return target not in wrong and len(target.split()) == len(wrong.split()) and near


def _possible(kind: str, task: Task, wrong_answers: int) -> str:
    """Return the form of the task, or "question" if the task does not allow that form."""
    stated_target = bool(task.target) and len(task.facts) == 1 and task.target in task.facts[0].statement
    if kind == "claim" and (not stated_target or task.asks == "where"):  # all claims of places would be true
        return "question"
    if kind == "choice" and not (stated_target and wrong_answers >= OPTIONS - 1):
        return "question"
    return "question" if kind == "comparison" else kind
