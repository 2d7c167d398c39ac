"""Synthesis: the teacher fills row slots. A row slot is the place of one wanted row.

The teacher tries the candidates of a slot in turn until it writes a good pair.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from rag_instruct.corpus.passages import Passage
from rag_instruct.errors import UserError
from rag_instruct.files import digest
from rag_instruct.llm.concurrency import at_once
from rag_instruct.llm.prompts import Prompt, read
from rag_instruct.llm.session import Session
from rag_instruct.logs import logger
from rag_instruct.paradigms import ANY, Slot, candidates, drawing_orders
from rag_instruct.reasons import Fault, Reason
from rag_instruct.retrieval.runs import Hit, Run
from rag_instruct.schema import Exemplar, Pair, Reject, Source
from rag_instruct.synthesis.fact_filters import question_fault
from rag_instruct.synthesis.filters import reject_reason
from rag_instruct.synthesis.focus import Focus, whole_documents
from rag_instruct.synthesis.sentence_focus import focuses, kind_of


class Origin(NamedTuple):
    """The teacher and the prompts that wrote a pair."""

    teacher: str
    prompts: str
    prompt_version: int


@dataclass
class Synthesis:
    """The synthesis of one paradigm: exemplars, search hits, prompt and teacher."""

    paradigm: str
    exemplars: list[Exemplar]
    run: Run
    prompt: Prompt
    teacher: Session
    simulate: bool
    seed: str
    origin: Origin
    rejects: list[Reject] = field(default_factory=list)
    language: str = "en"  # ISO 639-1

    @cached_property
    def orders(self) -> dict[str, list[Exemplar]]:
        """The exemplars of each set, in the order in which this paradigm draws them; computed once."""
        return drawing_orders(self.exemplars, f"{self.seed}/{self.paradigm}")

    def order(self, source: str) -> list[Exemplar]:
        """Return the exemplars of a set in drawing order; raise UserError if there are none."""
        if source not in self.orders:
            of = "" if source == ANY else f" of {source}"
            raise UserError(
                f"no exemplar{of} is left after the filter, but `paradigms.{self.paradigm}` in config.yaml asks for "
                "rows: raise the set's number in `exemplars`, or remove these rows from `paradigms`. "
                "results/<dataset>/exemplars/report.md lists why exemplars were dropped"
            )
        return self.orders[source]

    async def fill(self, place: int, slot: Slot, tries: int) -> Pair | None:
        """Return the pair of the slot's first good candidate, or None; add failed candidates to `rejects`."""
        for attempt, (exemplar, round_) in enumerate(candidates(slot, self.order(slot.source), tries)):
            written = await self._write(place, attempt, exemplar, round_)
            if isinstance(written, Pair):
                return written
            self.rejects.append(written)
        return None

    async def _write(self, place: int, attempt: int, exemplar: Exemplar, round_: int) -> Pair | Reject:
        hits = self.run.hits(exemplar.id)
        shown = exemplar.instruction if self.simulate else ""
        focus = self._focus(exemplar, shown, hits, round_)
        if focus is None:
            return Reject(
                self.paradigm,
                Reason.NO_DOCUMENTS,
                slot=place,
                attempt=attempt,
                exemplar_id=exemplar.id,
                exemplar=exemplar.instruction,
                license=exemplar.license,
            )
        kind = focus.variables.get("kind") or kind_of(shown)
        texts, keys, fault = await self._ask(kind, {**focus.variables, "exemplar": shown})
        pair = Pair(
            slot=place,
            attempt=attempt,
            paradigm=self.paradigm,
            id=f"{self.paradigm}-{digest(self.seed, exemplar.id, *keys)[:16]}",
            exemplar_id=exemplar.id,
            exemplar=exemplar.instruction,
            license=exemplar.license,
            kind=kind.split()[0],
            sources=_sources(focus.sources, hits),
            hidden=tuple(passage.id for passage in focus.hidden),
            question=texts["question"],
            answer=texts["answer"],
            request_keys=tuple(keys),
            **self.origin._asdict(),
        )
        if fault:
            return Reject.of(pair, *fault)
        reason = reject_reason(self.paradigm, **texts, exemplar=shown, focus=focus, language=self.language)
        return Reject.of(pair, reason) if reason else pair

    def _focus(self, exemplar: Exemplar, shown: str, hits: list[Hit], round_: int) -> Focus | None:
        passages, seed = [hit.passage for hit in hits], f"{self.seed}/{exemplar.id}"
        find = focuses if self.prompt.focus == "sentence" else whole_documents
        return next(islice(find(self.paradigm, shown, passages, seed), round_, None), None)

    async def _ask(self, kind: str, variables: dict[str, str]) -> tuple[dict[str, str], list[str], Fault | None]:
        """Return question and answer (empty if missing), the keys of the requests, and the fault if one failed."""
        keys: list[str] = []
        nothing = {"question": "", "answer": ""}
        variables["simulation"] = self.prompt.simulation.format_map(variables) if variables["exemplar"] else ""
        for step in self.prompt.steps:
            key, reply = await self.teacher.ask(step.body(kind, variables))
            keys.append(key)
            values = read(step, reply)
            if isinstance(values, Fault):
                return nothing, keys, values
            variables |= values
            # If the fact does not answer the question, we do not ask the teacher for an answer.
            if step.about and (reason := question_fault(values[step.name], variables[step.about])):
                return {**nothing, "question": values[step.name]}, keys, Fault(reason)
        return self.prompt.written(kind, variables), keys, None


def _sources(passages: tuple[Passage, ...], hits: list[Hit]) -> tuple[Source, ...]:
    """Return the source documents with their ids, and their ranks and scores in the exemplar's search."""
    found = {hit.passage.id: hit for hit in hits}
    hits_of = [found[passage.id] for passage in passages]
    return tuple(Source(hit.passage.id, hit.row, hit.rank, round(hit.score, 6)) for hit in hits_of)


async def synthesise(
    work: Synthesis, slots: Sequence[Slot], chunk: range, tries: int
) -> tuple[list[Pair], list[Reject]]:
    """Return a chunk's pairs in the order of the slots, and the rejected candidates with their reasons."""

    async def fill(place: int) -> Pair | None:
        return await work.fill(place, slots[place], tries)

    filled = await at_once(chunk, fill, work.teacher.model.in_flight, work.paradigm)
    pairs = [pair for pair in filled if pair]
    rejects = sorted(work.rejects, key=lambda reject: (reject.slot, reject.attempt))
    reasons = Counter(str(reject.reason) for reject in rejects)
    logger.info(
        "%s: %d of %d row slots filled; %d candidates rejected: %s",
        work.paradigm,
        len(pairs),
        len(chunk),
        len(rejects),
        dict(reasons.most_common()),
    )
    logger.info("%d answers from the teacher, %d from the store", work.teacher.bought, work.teacher.replayed)
    return pairs, rejects
