"""Verification: tests whether a row has the paradigm that it was written for.

A model, the judge, answers the question in four ways: from memory, from the source documents and memory, from the
source documents alone and, if several documents state the answer, from all of them but one. It then grades each answer
against the row's answer. The right answers show whether the documents state the answer, help to find it, or do neither.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from rag_instruct.dataset.verdicts import NONE, UNDECIDED, UNTESTED
from rag_instruct.files import fraction
from rag_instruct.llm.concurrency import at_once
from rag_instruct.llm.prompts import Prompt, load_prompt, read
from rag_instruct.llm.session import Session
from rag_instruct.logs import logger
from rag_instruct.reasons import Fault, Reason
from rag_instruct.schema import Evidence, Row, Verdict
from rag_instruct.words import content, share, substance

UNKNOWN = "i do not know"
CAN_ANSWER = 0.8  # we ask the judge about a noise document if it has at least this share of the answer's words


class Unreadable(Exception):
    """The judge's reply cannot be read."""


def paradigm_shown(evidence: Evidence) -> str:
    """Return the paradigm that the evidence shows, or UNDECIDED or NONE.

    The first case that fits is the result:

    - single_doc_answer: the row has one document, and it states the answer.
    - multi_doc_answer: several documents state the answer, and all of them are needed.
    - single_doc_answer: two documents state the answer, and one of them can be left out.
    - NONE: three or more documents state the answer, and at least one of them can be left out.
    - single_doc_support, multi_doc_support: the judge needs both the documents and its memory.
    - UNDECIDED: the judge answers with the documents and memory, but also from memory alone.
    - useless_doc: the judge cannot answer even with the documents and its memory.
    """
    several = evidence.documents > 1
    if evidence.from_documents:
        if not several:
            return "single_doc_answer"
        if not any(evidence.without):
            return "multi_doc_answer"
        return "single_doc_answer" if evidence.documents == 2 else NONE
    if evidence.with_documents and not evidence.closed_book:
        return "multi_doc_support" if several else "single_doc_support"
    if evidence.with_documents:
        return UNDECIDED
    return "useless_doc"


def agrees(intended: str, found: str) -> bool:
    """Say whether a row passes: the paradigm found is the intended one, or UNDECIDED.

    UNDECIDED does not count for paradigms whose documents state the answer.
    """
    return found == intended or (found == UNDECIDED and not intended.endswith("_answer"))


def sampled(rows: Iterable[Row], rows_share: float, seed: str) -> list[Row]:
    """Return the rows to test, chosen by a hash of the seed and the ids.

    A larger share contains all rows of a smaller share. Rows that decline are not tested: their documents must not
    answer.
    """
    return [row for row in rows if not row.withheld_answer and fraction(seed, "verification", row.id) < rows_share]


class Examiner:
    """Tests rows with a judge, which also grades its own answers."""

    def __init__(self, judge: Session, prompts: Path) -> None:
        names = ("closed_book", "with_documents", "from_documents", "grade")
        self._prompts: dict[str, Prompt] = {name: load_prompt(prompts / f"{name}.yaml") for name in names}
        self._judge = judge

    async def examine(self, row: Row) -> Verdict:
        """Return the verdict on a row."""
        keys: list[str] = []
        try:
            evidence = await self._evidence(row, keys)
        except Unreadable as error:
            return Verdict(row.id, row.paradigm, UNTESTED, detail=str(error), request_keys=tuple(keys))
        found = paradigm_shown(evidence)
        reason, detail = _fault(row.paradigm, found, evidence) or (None, "")
        return Verdict(row.id, row.paradigm, found, reason, detail, evidence, tuple(keys))

    async def _evidence(self, row: Row, keys: list[str]) -> Evidence:
        sources = _documents(row, "source")
        alone = await self._can_answer(row, "from_documents", sources, keys)
        without = [sources[:n] + sources[n + 1 :] for n in range(len(sources))] if alone and len(sources) > 1 else []
        return Evidence(
            documents=len(sources),
            closed_book=await self._can_answer(row, "closed_book", [], keys),
            with_documents=await self._can_answer(row, "with_documents", sources, keys),
            from_documents=alone,
            without=tuple([await self._can_answer(row, "from_documents", part, keys) for part in without]),
            noise=await self._noise_that_answers(row, keys),
        )

    async def _noise_that_answers(self, row: Row, keys: list[str]) -> tuple[str, ...]:
        """Return the ids of noise documents from which the judge can answer.

        Each question to the judge costs requests. So we ask only about documents with most of the answer's words.
        """
        return tuple(
            [
                passage.id
                for passage, document in zip(row.passages, row.documents, strict=True)
                if passage.role == "noise"
                and _has_answers_words(row, document)
                and await self._can_answer(row, "from_documents", [document], keys)
            ]
        )

    async def _can_answer(self, row: Row, how: str, documents: list[str], keys: list[str]) -> bool:
        shown = "\n\n".join(f"Document {number}: {text}" for number, text in enumerate(documents, start=1))
        answer = await self._ask(how, {"question": row.question, "documents": shown}, keys)
        if UNKNOWN in answer.lower():
            return False
        graded = {"question": row.question, "reference": row.answer, "answer": answer}
        return await self._ask("grade", graded, keys) == "right"

    async def _ask(self, name: str, variables: dict[str, str], keys: list[str]) -> str:
        step = self._prompts[name].steps[0]
        key, reply = await self._judge.ask(step.body("any", variables))
        keys.append(key)
        values = read(step, reply)
        if isinstance(values, Fault):
            raise Unreadable(f"{name}: {values}")
        said: str = values[step.name]
        return said


def _fault(intended: str, found: str, evidence: Evidence) -> Fault | None:
    if evidence.noise:
        return Fault(Reason.ANSWER_IN_NOISE, ", ".join(evidence.noise))
    return None if agrees(intended, found) else Fault(Reason.WRONG_PARADIGM, found)


def _documents(row: Row, role: str) -> list[str]:
    pairs = zip(row.passages, row.documents, strict=True)
    return [document for passage, document in pairs if passage.role == role]


def _has_answers_words(row: Row, document: str) -> bool:
    said = content(substance(row.answer)) - content(row.question)
    return bool(said) and share(said, content(document)) >= CAN_ANSWER


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
