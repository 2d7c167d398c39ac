"""Synthesis: the teacher fills row slots. A row slot is the place of one wanted row.

The teacher tries the candidates of a slot in turn until it writes a good pair.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from rag_instruct.errors import UserError
from rag_instruct.files import digest
from rag_instruct.llm.concurrency import at_once
from rag_instruct.llm.prompts import Prompt, read
from rag_instruct.llm.session import Session
from rag_instruct.logs import logger
from rag_instruct.paradigms import ANY, PARADIGMS, Slot, candidates, drawing_orders
from rag_instruct.reasons import Fault, Reason
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import Exemplar, LinkedDocuments, Pair, Reject
from rag_instruct.synthesis.fact_filters import question_fault
from rag_instruct.synthesis.filters import reject_reason
from rag_instruct.synthesis.focus import Focus, linked_documents, whole_documents
from rag_instruct.synthesis.search_results import SearchResults
from rag_instruct.synthesis.sentence_focus import focuses, kind_of

WITHOUT_DOCUMENTS = (Reason.NO_DOCUMENTS, Reason.NO_LINK)


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
    least_words: int = 0  # of a source document
    linked: Mapping[str, Sequence[LinkedDocuments]] | None = None  # by exemplar; None: take the next best hits
    rejects: list[Reject] = field(default_factory=list)

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
        """Return the pair of the slot's first good candidate, or None; add failed candidates to `rejects`.

        A candidate without documents costs nothing and does not count as a try.
        """
        left = tries
        for attempt, (exemplar, round_) in enumerate(candidates(slot, self.order(slot.source), tries)):
            written = await self._write(place, attempt, exemplar, round_)
            if isinstance(written, Pair):
                return written
            self.rejects.append(written)
            left -= written.reason not in WITHOUT_DOCUMENTS
            if not left:
                return None
        return None

    async def _write(self, place: int, attempt: int, exemplar: Exemplar, round_: int) -> Pair | Reject:
        found, shown = self._search_results(exemplar), exemplar.instruction if self.simulate else ""
        focus = self._focus(exemplar, shown, found, round_)
        if focus is None:
            return Reject(
                self.paradigm,
                Reason.NO_LINK if found.hits and self._needs_links else Reason.NO_DOCUMENTS,
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
            sources=found.sources(focus.sources),
            hidden=tuple(passage.id for passage in focus.hidden),
            question=texts["question"],
            answer=texts["answer"],
            request_keys=tuple(keys),
            links=focus.links,
            **self.origin._asdict(),
        )
        if fault:
            return Reject.of(pair, *fault)
        reason = reject_reason(self.paradigm, **texts, exemplar=shown, focus=focus)
        return Reject.of(pair, reason) if reason else pair

    @property
    def _needs_links(self) -> bool:
        """Whether source documents must be linked. Single sentences find links also among the best hits."""
        return self.linked is not None and PARADIGMS[self.paradigm].several and self.prompt.focus == "document"

    def _search_results(self, exemplar: Exemplar) -> SearchResults:
        linked = self.linked.get(exemplar.id, ()) if self.linked and PARADIGMS[self.paradigm].several else ()
        return SearchResults.of(self.run, exemplar.id, linked, self.least_words)

    def _focus(self, exemplar: Exemplar, shown: str, found: SearchResults, round_: int) -> Focus | None:
        seed = f"{self.seed}/{exemplar.id}"
        if self._needs_links:
            offered = linked_documents(self.paradigm, found, seed)
        elif self.prompt.focus == "sentence":
            offered = focuses(self.paradigm, shown, found.ranked, seed)
        else:
            offered = whole_documents(self.paradigm, shown, found.ranked, seed)
        return next(islice(offered, round_, None), None)

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
