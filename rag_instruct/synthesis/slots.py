"""Synthesis: each slot takes the first of its candidates from which the teacher writes a good pair."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

from rag_instruct.corpus.passages import Passage
from rag_instruct.errors import UserError
from rag_instruct.files import digest
from rag_instruct.llm.concurrency import at_once
from rag_instruct.llm.prompts import Prompt, read
from rag_instruct.llm.session import Session
from rag_instruct.logs import logger
from rag_instruct.paradigms import ANY, Slot, candidates, drawn
from rag_instruct.retrieval.runs import Hit, Run
from rag_instruct.schema import Exemplar, Pair
from rag_instruct.synthesis.fact_filters import question_missed
from rag_instruct.synthesis.filters import reject_reason
from rag_instruct.synthesis.focus import Focus, whole_documents
from rag_instruct.synthesis.sentence_focus import focuses, kind_of


@dataclass
class Synthesis:
    """One paradigm's synthesis: what its candidates are made of."""

    paradigm: str
    exemplars: list[Exemplar]
    run: Run
    prompt: Prompt
    teacher: Session
    simulate: bool
    seed: str
    made_by: dict[str, Any]  # teacher, prompts and prompt_version, for the rows' provenance
    rejects: list[Pair] = field(default_factory=list)

    @cached_property
    def orders(self) -> dict[str, list[int]]:
        """The exemplars of each set as this paradigm draws them, once for all slots."""
        return drawn(self.exemplars, f"{self.seed}/{self.paradigm}")

    def order(self, source: str) -> list[int]:
        """The exemplars of a set; raises UserError where none is left."""
        if source not in self.orders:
            of = "" if source == ANY else f" of {source}"
            raise UserError(
                f"no exemplar{of} is left after the filter, and {self.paradigm} has rows of it: draw more, or leave it "
                "out of `paradigms`, in config.yaml; exemplars/report.md tells what was dropped"
            )
        return self.orders[source]

    async def fill(self, place: int, slot: Slot, tries: int) -> Pair | None:
        """The pair of the slot's first good candidate; the others go to `rejects` with their reasons."""
        for attempt, (number, round_) in enumerate(candidates(slot, self.order(slot.source), tries)):
            pair = {"slot": place, "attempt": attempt, "paradigm": self.paradigm, **await self._write(number, round_)}
            if pair["reason"] is None:
                return pair
            self.rejects.append(pair)
        return None

    async def _write(self, number: int, round_: int) -> Pair:
        exemplar, hits = self.exemplars[number], self.run.hits(number)
        made: Pair = {
            "reason": None,
            "exemplar_id": exemplar["id"],
            "exemplar": exemplar["instruction"],
            "license": exemplar["license"],
        }
        shown = exemplar["instruction"] if self.simulate else ""
        focus = self._focus(exemplar, shown, hits, round_)
        if focus is None:
            return {**made, "reason": "no documents"}
        kind = focus.variables.get("kind") or kind_of(shown)
        made |= {
            "kind": kind.split()[0],
            "sources": _described(focus.sources, hits),
            "hidden": [p.id for p in focus.hidden],
        }
        pair, keys, reason = await self._ask(kind, {**focus.variables, "exemplar": shown})
        reason = reason or reject_reason(self.paradigm, **pair, exemplar=shown, focus=focus)
        identity = f"{self.paradigm}-{digest(self.seed, exemplar['id'], *keys)[:16]}"
        return {"id": identity, **made, **pair, "reason": reason, "request_keys": keys, **self.made_by}

    def _focus(self, exemplar: Exemplar, shown: str, hits: list[Hit], round_: int) -> Focus | None:
        passages, seed = [hit.passage for hit in hits], f"{self.seed}/{exemplar['id']}"
        find = focuses if self.prompt.focus == "sentence" else whole_documents
        return next(islice(find(self.paradigm, shown, passages, seed), round_, None), None)

    async def _ask(self, kind: str, variables: dict[str, str]) -> tuple[Pair, list[str], str | None]:
        """The pair, the keys of its requests, and why there is none."""
        keys: list[str] = []
        nothing = {"question": "", "answer": ""}
        variables["simulation"] = self.prompt.simulation.format_map(variables) if variables["exemplar"] else ""
        for step in self.prompt.steps:
            key, reply = await self.teacher.ask(step.body(kind, variables))
            keys.append(key)
            values, missing = read(step, reply)
            if values is None:
                return nothing, keys, missing
            variables |= values
            # A question that went astray needs no answer.
            if step.about and (amiss := question_missed(values[step.name], variables[step.about])):
                return {**nothing, "question": values[step.name]}, keys, amiss
        return self.prompt.written(kind, variables), keys, None


def _described(sources: tuple[Passage, ...], hits: list[Hit]) -> list[dict[str, Any]]:
    """The source documents as provenance: their ids, and where the exemplar's search found them."""
    found = {hit.passage.id: hit for hit in hits}
    hits_of = [found[passage.id] for passage in sources]
    return [{"id": hit.passage.id, "row": hit.row, "rank": hit.rank, "score": round(hit.score, 6)} for hit in hits_of]


async def synthesise(work: Synthesis, slots: Sequence[Slot], chunk: range, tries: int) -> tuple[list[Pair], list[Pair]]:
    """The pairs of a chunk's slots in their order, and the rejected candidates with their reasons."""

    async def fill(place: int) -> Pair | None:
        return await work.fill(place, slots[place], tries)

    filled = await at_once(chunk, fill, work.teacher.model.in_flight, work.paradigm)
    pairs = [pair for pair in filled if pair]
    rejects = sorted(work.rejects, key=lambda pair: (pair["slot"], pair["attempt"]))
    reasons = dict(Counter(pair["reason"] for pair in rejects).most_common())
    logger.info(
        "%s: %d of %d slots filled; %d candidates rejected: %s",
        work.paradigm,
        len(pairs),
        len(chunk),
        len(rejects),
        reasons,
    )
    logger.info("%d answers asked of the teacher, %d taken from the store", work.teacher.bought, work.teacher.replayed)
    return pairs, rejects
