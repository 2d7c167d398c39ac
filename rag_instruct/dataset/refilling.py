"""Refills row slots whose pair was dropped after the synthesis.

A row slot is the place of one wanted row. To refill a slot, we try its next candidates.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from rag_instruct.dataset.gathering import question_keys
from rag_instruct.dataset.merging import merge
from rag_instruct.dataset.quality_filters import EmbeddedRows, apply_filters
from rag_instruct.llm.budget import UsedUp
from rag_instruct.llm.concurrency import at_once
from rag_instruct.llm.session import NotStored
from rag_instruct.llm.watch import LATER, YieldWatch
from rag_instruct.logs import logger
from rag_instruct.near_duplicates import NearDuplicates
from rag_instruct.paradigms import LOOKED_AT, Slot
from rag_instruct.reasons import WITHOUT_REQUEST, Reason
from rag_instruct.schema import Pair, Reject, Row, StoppedRow
from rag_instruct.synthesis.slots import Begun, Synthesis

OF_ALL_ROWS = ("near_duplicates", "similar_questions")  # filters that compare a row with all others


class Attempts(NamedTuple):
    """What a row slot has tried: its rejected candidates, and the attempt whose pair was dropped later, or None."""

    rejects: list[Reject]
    dropped: int | None = None

    def exhausted(self, tries: int) -> bool:
        """Whether the slot has no candidate left."""
        return self.begun.asked >= tries or self.begun.attempt >= LOOKED_AT * tries

    @property
    def begun(self) -> Begun:
        """How far the slot has come."""
        attempts = [reject.attempt for reject in self.rejects if reject.attempt is not None]
        asked = sum(reject.reason not in WITHOUT_REQUEST for reject in self.rejects)
        skipped_by_teacher = frozenset(one.exemplar_id for one in self.rejects if one.reason == Reason.SKIPPED)
        if self.dropped is not None:
            attempts, asked = [*attempts, self.dropped], asked + 1
        return Begun(attempt=max(attempts, default=-1) + 1, asked=asked, skipped=skipped_by_teacher)

    def with_rejects(self, rejects: Iterable[Reject]) -> "Attempts":
        """Return the attempts with further rejected candidates."""
        return self._replace(rejects=[*self.rejects, *rejects])


def missing(
    found: Mapping[str, Sequence[Row]], wanted: Mapping[str, int], seed: str, stopped: Mapping[str, StoppedRow]
) -> tuple[dict[str, int], dict[str, str]]:
    """Return how many rows each paradigm lacks, and the paradigm of each good row, by id.

    The arguments are those of `merge`. A good row is in the data set, or is surplus.
    """
    merged, left_out, counts = merge(found, wanted, seed, stopped)
    good = {row.id: row.paradigm for row in merged}
    good |= {reject.id: reject.paradigm for reject in left_out if reject.reason == Reason.SURPLUS}
    return {name: one["wanted"] - one["rows"] for name, one in counts.items()}, good


def open_slots(
    paradigm: str, count: int, pairs: Iterable[Pair], rejects: Iterable[Reject], good: Mapping[str, str]
) -> dict[int, Attempts]:
    """Return the attempts of the row slots that have no good pair, by the slot's place from 0 to `count` - 1.

    If a pair's row was relabelled, the pair is not good for its slot.
    """
    filled = {pair.slot: pair for pair in pairs}
    tried: dict[int, list[Reject]] = {}
    for reject in rejects:
        if reject.slot is not None:
            tried.setdefault(reject.slot, []).append(reject)
    pairs_by_slot = {place: filled.get(place) for place in range(count)}
    return {
        place: Attempts(tried.get(place, []), pair.attempt if pair else None)
        for place, pair in pairs_by_slot.items()
        if pair is None or good.get(pair.id) != paradigm
    }


@dataclass
class Checks:
    """Checks new pairs as the merge and the quality filters do. `rows` are the rows that are not dropped.

    The questions of new pairs have no vectors yet. So `similar_questions` is checked later, after the search.
    """

    rows: Sequence[Row]
    quality_filters: Mapping[str, Any]
    _seen: dict[str, str] = field(init=False)
    _known: NearDuplicates | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._seen = {key: row.id for row in self.rows for key in question_keys(row)}
        if threshold := self.quality_filters.get("near_duplicates"):
            self._known = NearDuplicates(threshold)
            for row in self.rows:
                self._known.find_or_add(row.id, row.question)

    def refused(self, pair: Pair) -> Reject | None:
        """Return the pair as a reject if it cannot become a row.

        Otherwise return None, and compare later pairs with this pair, too.
        """
        keys = question_keys(pair)
        if earlier := next((self._seen[key] for key in keys if key in self._seen), None):
            return Reject.of(pair, Reason.REPEATED_QUESTION, repeats=earlier)
        alone = {name: value for name, value in self.quality_filters.items() if name not in OF_ALL_ROWS}
        stopped, _ = apply_filters(EmbeddedRows([pair], np.empty((1, 0), np.float32)), alone)
        if stopped:
            return Reject.of(pair, stopped[0].reason, stopped[0].detail)
        if self._known and (other := self._known.find_or_add(pair.id, pair.question)):
            return Reject.of(pair, Reason.NEAR_DUPLICATE, f"as {other}")
        self._seen |= dict.fromkeys(keys, pair.id)
        return None


async def refill(
    work: Synthesis, slots: Sequence[Slot], opened: Mapping[int, Attempts], lacking: int, checks: Checks, tries: int
) -> tuple[list[Pair], list[Reject]]:
    """Return at most `lacking` new pairs for the slots that `open_slots` found, and the rejected candidates.

    We fill the slots in their order, as many at a time as rows are missing. So the result does not depend on which
    answer comes first, and no slot is filled in vain. In a replay, a slot stays open if its answer is not in the store.
    When the budget is used up, all further slots stay open. In both cases, the run continues, and the data set is
    smaller.
    """
    # We take the higher limit of useless answers (LATER), because the synthesis showed that these prompts work.
    work.watch = YieldWatch(work.paradigm, work.teacher, LATER)
    ended: list[UsedUp] = []
    unstored: list[int] = []
    pairs: list[Pair] = []
    refused: dict[int, list[Reject]] = {place: [] for place in opened}  # new pairs that `checks` refused
    waiting = {place: one.begun for place, one in opened.items()}

    async def fill(place: int) -> Pair | None:
        try:
            return None if ended else await work.fill(place, slots[place], tries, waiting[place])
        except UsedUp as error:
            ended.append(error)
        except NotStored:
            unstored.append(place)
        return None

    while len(pairs) < lacking and waiting and not ended:
        places = list(waiting)[: lacking - len(pairs)]
        filled = await at_once(places, fill, work.teacher.model.in_flight, f"{work.paradigm}, refilling")
        for place, pair in zip(places, filled, strict=True):
            if pair and (reject := checks.refused(pair)):
                # The slot continues with the candidate after the refused pair; `begun` finds it from all rejects.
                refused[place].append(reject)
                failed = [one for one in work.rejects if one.slot == place]
                waiting[place] = opened[place].with_rejects([*refused[place], *failed]).begun
            else:
                del waiting[place]
                pairs += [pair] if pair else []
    work.out_of_budget = bool(ended)
    for said in _why_open(ended, unstored):
        logger.warning("%s: %d of %d missing rows refilled: %s", work.paradigm, len(pairs), lacking, said)
    rejects = [*work.rejects, *(reject for part in refused.values() for reject in part)]
    return pairs, sorted(rejects, key=lambda reject: (reject.slot, reject.attempt))


def _why_open(ended: Sequence[UsedUp], unstored: Sequence[int]) -> list[str]:
    """Return why row slots with further candidates stay open."""
    found = [str(ended[0])] if ended else []
    return found + ([f"the store lacks the answers of {len(unstored)} row slots"] if unstored else [])
