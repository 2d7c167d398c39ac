"""Verification: tests whether a row has the paradigm that it was written for.

A model, the judge, answers the question in four ways: from memory, from the source documents and memory, from the
source documents alone and, if several source documents are enough together, from fewer and fewer of them. The judge
then grades each answer. The right answers show whether the documents state the answer, help to find it, or do neither,
and which documents are needed. Superfluous documents become noise documents, unless too few sources would be left for
the paradigm.

An open task has many right answers. So the judge first derives criteria from the row's answer, and grades by these.
The judge may also say that the row's answer itself is wrong. Then the row fails, whatever its documents.
"""

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

from rag_instruct.citations import plain_answer
from rag_instruct.dataset.verdicts import DOUBTFUL, UNDECIDED, UNTESTED
from rag_instruct.files import fraction
from rag_instruct.llm.concurrency import at_once
from rag_instruct.llm.prompts import Prompt, load_prompt, read
from rag_instruct.llm.session import Session
from rag_instruct.llm.watch import YieldWatch
from rag_instruct.logs import logger
from rag_instruct.reasons import Fault, Reason
from rag_instruct.schema import JudgeFindings, Row, Verdict
from rag_instruct.words import added_words, content, share

UNKNOWN = "i do not know"
PROMPTS = ("closed_book", "with_documents", "from_documents", "grade", "criteria", "grade_open")
OPEN = ("command", "explanation", "comparison")  # kinds of tasks that have many right answers
TESTS = 3  # of each row: from memory, from the source documents and memory, from the source documents alone
MAY_ANSWER = 0.8  # we ask the judge about noise documents with at least this share of the words that the answer adds


class Unreadable(Exception):
    """The judge's reply cannot be read."""


class Doubtful(Exception):
    """The judge says that the row's own answer is wrong."""


def paradigm_shown(findings: JudgeFindings) -> str:
    """Return the paradigm that the judge's answers show, or UNDECIDED.

    The first case that fits is the result:

    - single_doc_answer: the documents state the answer, and one of them is enough.
    - multi_doc_answer: the documents state the answer, and several of them are needed.
    - single_doc_support, multi_doc_support: the judge needs both the documents and its memory.
    - UNDECIDED: the judge answers with the documents and memory, but also from memory alone.
    - useless_doc: the judge cannot answer even with the documents and its memory.
    """
    if findings.from_documents:
        return "multi_doc_answer" if len(findings.needed) > 1 else "single_doc_answer"
    if findings.with_documents and not findings.closed_book:
        return "multi_doc_support" if findings.documents > 1 else "single_doc_support"
    if findings.with_documents:
        return UNDECIDED
    return "useless_doc"


def agrees(intended: str, found: str) -> bool:
    """Say whether a row passes: the paradigm found is the intended one, or UNDECIDED.

    UNDECIDED does not pass if the documents of the intended paradigm state the answer.
    """
    return found == intended or (found == UNDECIDED and not intended.endswith("_answer"))


def sampled(rows: Iterable[Row], rows_share: float, seed: str, stopped: Container[str] = ()) -> list[Row]:
    """Return the rows to test, chosen by a hash of the seed and the ids.

    A larger share contains all rows of a smaller share. Rows that decline are not tested: their documents must not
    answer. Rows whose id is in `stopped` are not tested, either, because a test costs requests.
    """
    return [
        row
        for row in rows
        if row.id not in stopped and not row.withheld_answer and fraction(seed, "verification", row.id) < rows_share
    ]


def most_requests(documents: int, several: bool) -> int:
    """Return the most requests that verify a row: one for criteria, and two a test, for an answer and its grade.

    Each of the row's `documents` documents may need one more test. For a noise document: does it state the answer? For
    a source document: can it be left out? A single source document (`several` is false) needs no such test.
    """
    return 1 + 2 * (TESTS + documents - (not several))


class Examiner:
    """Tests rows with a judge, which also grades its own answers."""

    def __init__(self, judge: Session, prompts: Path) -> None:
        self._prompts: dict[str, Prompt] = {name: load_prompt(prompts / f"{name}.yaml") for name in PROMPTS}
        self._judge = judge
        self._watch = YieldWatch("verification", judge)

    async def examine(self, row: Row) -> Verdict:
        """Return the verdict on a row."""
        keys: list[str] = []
        try:
            findings = await self._findings(row, keys)
        except Unreadable as error:
            return Verdict(row.id, row.paradigm, UNTESTED, detail=str(error), request_keys=tuple(keys))
        except Doubtful as error:
            doubt = Reason.DOUBTFUL_REFERENCE
            return Verdict(row.id, row.paradigm, DOUBTFUL, doubt, str(error), request_keys=tuple(keys))
        found = paradigm_shown(findings)
        reason, detail = _fault(row.paradigm, found, findings) or (None, "")
        return Verdict(row.id, row.paradigm, found, reason, detail, findings, tuple(keys))

    async def _findings(self, row: Row, keys: list[str]) -> JudgeFindings:
        sources = _sources(row)
        criteria = await self._criteria(row, keys)
        suffice = await self._can_answer(row, criteria, "from_documents", sources.values(), keys)
        return JudgeFindings(
            documents=len(sources),
            closed_book=await self._can_answer(row, criteria, "closed_book", [], keys),
            with_documents=await self._can_answer(row, criteria, "with_documents", sources.values(), keys),
            from_documents=suffice,
            needed=await self._needed(row, criteria, sources, keys) if suffice else (),
            noise=await self._noise_that_answers(row, criteria, keys),
        )

    async def _needed(self, row: Row, criteria: str, sources: Mapping[str, str], keys: list[str]) -> tuple[str, ...]:
        """Return the ids of source documents that are enough, none of them superfluous.

        We leave out each document in turn, and keep it out if the judge can still answer.
        """
        kept = dict(sources)
        for left_out in sources:
            rest = {name: text for name, text in kept.items() if name != left_out}
            if rest and await self._can_answer(row, criteria, "from_documents", rest.values(), keys):
                kept = rest
        return tuple(kept)

    async def _criteria(self, row: Row, keys: list[str]) -> str:
        """Return what a right answer to an open task must have, or "" if the task has one right answer."""
        if row.kind not in OPEN:
            return ""
        return await self._ask("criteria", {"question": row.question, "reference": plain_answer(row)}, keys)

    async def _noise_that_answers(self, row: Row, criteria: str, keys: list[str]) -> tuple[str, ...]:
        """Return the ids of noise documents from which the judge can answer.

        A test of a document costs requests. So we test only documents with most of the words that the answer adds.
        """
        return tuple(
            [
                passage.id
                for passage, document in zip(row.passages, row.documents, strict=True)
                if passage.role == "noise"
                and _has_answers_words(row, document)
                and await self._can_answer(row, criteria, "from_documents", [document], keys)
            ]
        )

    async def _can_answer(self, row: Row, criteria: str, how: str, documents: Iterable[str], keys: list[str]) -> bool:
        shown = "\n\n".join(f"Document {number}: {text}" for number, text in enumerate(documents, start=1))
        answer = await self._ask(how, {"question": row.question, "documents": shown}, keys)
        if UNKNOWN in answer.lower():
            return False
        graded = {"question": row.question, "reference": plain_answer(row), "answer": answer, "criteria": criteria}
        grade = await self._ask("grade_open" if criteria else "grade", graded, keys)
        if grade == DOUBTFUL:
            raise Doubtful(answer)
        return grade == "right"

    async def _ask(self, name: str, variables: dict[str, str], keys: list[str]) -> str:
        step = self._prompts[name].steps[0]
        key, reply = await self._judge.ask(step.body("any", variables))
        keys.append(key)
        values = read(step, reply)
        if isinstance(values, Fault):
            self._watch.useless(values)
            raise Unreadable(f"{name}: {values}")
        said: str = values[step.name]
        # We do not pass the text: the watch takes equal texts for a fault, but a judge may give equal replies.
        self._watch.useful("")
        return said


def _fault(intended: str, found: str, findings: JudgeFindings) -> Fault | None:
    if findings.noise:
        return Fault(Reason.ANSWER_IN_NOISE, ", ".join(findings.noise))
    return None if agrees(intended, found) else Fault(Reason.WRONG_PARADIGM, found)


def _sources(row: Row) -> dict[str, str]:
    pairs = zip(row.passages, row.documents, strict=True)
    return {passage.id: document for passage, document in pairs if passage.role == "source"}


def _has_answers_words(row: Row, document: str) -> bool:
    """Say whether a document has most of the words that the answer adds to the question.

    An answer such as "yes" adds none. Then the document must have most words of the question.
    """
    telling = added_words(row.question, plain_answer(row)) or content(row.question)
    return share(telling, content(document)) >= MAY_ANSWER


async def verify(rows: list[Row], examiner: Examiner, judge: Session) -> list[Verdict]:
    """Return a verdict for each row, in the order of the rows."""
    verdicts = await at_once(rows, examiner.examine, judge.model.in_flight, "testing paradigms")
    failed = Counter(str(verdict.reason) for verdict in verdicts if verdict.reason)
    untested = sum(verdict.found == UNTESTED for verdict in verdicts)
    passed = len(rows) - failed.total() - untested
    logger.info(
        "%d rows: %d passed, %d untested (unreadable reply), failed: %s", len(rows), passed, untested, dict(failed)
    )
    return verdicts
