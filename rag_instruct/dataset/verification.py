"""Whether a row has the paradigm it was written for: not an opinion asked for, but a test that it passes or fails.

A judge answers the question from memory, from the source documents alone, from them and memory
together, and without each of them; a grader holds every answer against the row's own. What the
documents state, help with or leave open follows from who could answer.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from rag_instruct.dataset.verdicts import NONE, UNDECIDED, UNTESTED
from rag_instruct.files import drawn
from rag_instruct.llm.concurrency import at_once
from rag_instruct.llm.prompts import Prompt, load_prompt, read
from rag_instruct.llm.session import Session
from rag_instruct.logs import logger
from rag_instruct.schema import Row, Verdict
from rag_instruct.words import content, share, substance

UNKNOWN = "i do not know"
CAN_ANSWER = 0.8  # share of an answer's words in a noise document that makes it worth asking the judge


class Unreadable(Exception):
    """The judge's reply is none."""


@dataclass(frozen=True)
class Evidence:
    """Who could answer as the row does."""

    documents: int  # of the source
    closed_book: bool  # from memory
    with_documents: bool  # and memory
    from_documents: bool  # alone
    without: tuple[bool, ...]  # from all but the first, all but the second, ...; asked if all of several suffice


def proven(evidence: Evidence) -> str:
    """The paradigm that the evidence shows, or UNDECIDED or NONE.

    One document: it states the answer (r3), it helps (r1) or it is useless (r0). Several: they
    state it and none can be left out (r4), one of two suffices (r3), one of more is superfluous
    (none), they help (r2) or are useless (r0).
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
    """Whether the evidence speaks for the intended paradigm, or at least not against it."""
    return found == intended or (found == UNDECIDED and not intended.endswith("_answer"))


def sampled(rows: Iterable[Row], rows_share: float, seed: str) -> list[Row]:
    """The rows to be tested, drawn by digest: a larger share keeps those of a smaller one."""
    return [row for row in rows if drawn(seed, "verification", row["id"]) < rows_share]


class Examiner:
    """Puts rows to the test with a judge, which also grades."""

    def __init__(self, judge: Session, prompts: Path) -> None:
        names = ("closed_book", "with_documents", "from_documents", "grade")
        self._prompts: dict[str, Prompt] = {name: load_prompt(prompts / f"{name}.yaml") for name in names}
        self._judge = judge

    async def examine(self, row: Row) -> Verdict:
        """The verdict on a row; `reason` says why it fails."""
        keys: list[str] = []
        verdict = {"id": row["id"], "intended": row["paradigm"], "request_keys": keys}
        try:
            evidence = await self._evidence(row, keys)
            answering = await self._noise_that_answers(row, keys)
        except Unreadable as error:
            return {**verdict, "proven": UNTESTED, "reason": None, "evidence": str(error)}
        found = proven(evidence)
        reason = None if agrees(row["paradigm"], found) else f"not proven ({found})"
        if answering:
            reason = f"noise answers ({', '.join(answering)})"
        return {**verdict, "proven": found, "reason": reason, "evidence": {**asdict(evidence), "noise": answering}}

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
        )

    async def _noise_that_answers(self, row: Row, keys: list[str]) -> list[str]:
        """Asked of noise documents with most of the answer's words: of all nine would cost nine times."""
        return [
            passage["id"]
            for passage, document in zip(row["passages"], row["documents"], strict=True)
            if passage["role"] == "noise"
            and _has_answers_words(row, document)
            and await self._can_answer(row, "from_documents", [document], keys)
        ]

    async def _can_answer(self, row: Row, how: str, documents: list[str], keys: list[str]) -> bool:
        shown = "\n\n".join(f"Document {number}: {text}" for number, text in enumerate(documents, start=1))
        answer = await self._ask(how, {"question": row["question"], "documents": shown}, keys)
        if UNKNOWN in answer.lower():
            return False
        graded = {"question": row["question"], "reference": row["answer"], "answer": answer}
        return await self._ask("grade", graded, keys) == "right"

    async def _ask(self, name: str, variables: dict[str, str], keys: list[str]) -> str:
        step = self._prompts[name].steps[0]
        key, reply = await self._judge.ask(step.body("any", variables))
        keys.append(key)
        values, missing = read(step, reply)
        if values is None:
            raise Unreadable(f"{name}: {missing}")
        return values[step.name]


def _documents(row: Row, role: str) -> list[str]:
    pairs = zip(row["passages"], row["documents"], strict=True)
    return [document for passage, document in pairs if passage["role"] == role]


def _has_answers_words(row: Row, document: str) -> bool:
    said = content(substance(row["answer"])) - content(row["question"])
    return bool(said) and share(said, content(document)) >= CAN_ANSWER


async def verify(rows: list[Row], examiner: Examiner, judge: Session) -> list[Verdict]:
    """The verdicts on rows, in their order."""
    verdicts = await at_once(rows, examiner.examine, judge.model.in_flight, "testing paradigms")
    failed = Counter(verdict["reason"].split(" (")[0] for verdict in verdicts if verdict["reason"])
    untested = sum(verdict["proven"] == UNTESTED for verdict in verdicts)
    passed = len(rows) - failed.total() - untested
    logger.info(
        "%d rows: %d passed, %d without a readable reply, failed: %s", len(rows), passed, untested, dict(failed)
    )
    return verdicts
