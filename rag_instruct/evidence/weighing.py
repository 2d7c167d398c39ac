"""Measure rows, and find the paradigms they show, the sources they need, and the noise that states their answers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rag_instruct.errors import UserError
from rag_instruct.evidence.findings import Thresholds, paradigm_found
from rag_instruct.evidence.gains import gain, lost, rounded
from rag_instruct.evidence.measuring import Measurer, Prompted
from rag_instruct.files import digest
from rag_instruct.schema import Weighed

DRAWS = 3  # draws of random documents that the gains compare with
POOL = 500  # documents from which random ones are drawn


class RowTexts(NamedTuple):
    """The texts of a row: question, answer, and documents by id."""

    id: str
    paradigm: str  # the one that the row was written for: evidence runs before any relabelling
    question: str
    answer: str
    sources: Mapping[str, str]
    noise: Mapping[str, str]

    def prompt(self, documents: Iterable[str]) -> Prompted:
        """Return the prompt: these documents, then question and answer.

        The prompt without documents has the same beginning in all rows, so it is marked `common`.
        """
        shown = tuple(documents)
        return Prompted(self.question, self.answer, shown, common=not shown)

    def prompt_without(self, left_out: str, names: Iterable[str]) -> Prompted:
        """Return the prompt with the sources whose ids are in `names`, but without `left_out`."""
        return self.prompt(self.sources[name] for name in names if name != left_out)


def weigh(rows: Sequence[RowTexts], pool: Iterable[str], measurer: Measurer, thresholds: Thresholds) -> list[Weighed]:
    """Measure each row. Return the paradigm that its bits show, its needed sources, and noise that states its answer.

    The results are in the order of the rows. We draw random documents from `pool`.
    """
    drawn = sorted(dict.fromkeys(pool), key=digest)[:POOL]
    randoms = [_random(row, drawn) for row in rows]
    measured = measurer.bits([one for row, random in zip(rows, randoms, strict=True) for one in _prompts(row, random)])
    needed = _needed(rows, measurer, thresholds.needed)
    found = []
    for row, random, kept in zip(rows, randoms, needed, strict=True):
        own, nothing = measured[row.prompt(row.sources.values())], measured[row.prompt(())]
        draws = [measured[one] for one in random]
        by_source = {name: lost(own, measured[row.prompt_without(name, row.sources)]) for name in row.sources}
        by_noise = {name: gain(measured[row.prompt([text])], draws, nothing) for name, text in row.noise.items()}
        gained, without_any = gain(own, draws, nothing), lost(own, nothing)
        found.append(
            Weighed(
                id=row.id,
                intended=row.paradigm,
                found=paradigm_found(gained, without_any, len(kept), thresholds),
                help=thresholds.help_of(gained),
                gain=gained,
                unrelated=rounded(np.mean([(nothing.answer - one.answer).mean() for one in draws])),
                needed=kept,
                lost=by_source,
                without_any=without_any,
                noise=by_noise,
                answering=tuple(name for name, one in by_noise.items() if one.share >= thresholds.states),
                tokens=len(own.answer),
            )
        )
    return found


def _prompts(row: RowTexts, random: Sequence[Prompted]) -> list[Prompted]:
    """Return the prompts whose bits `weigh` needs for a row. `_needed` measures more prompts."""
    return [
        row.prompt(row.sources.values()),
        row.prompt(()),
        *random,
        *_each_left_out(row, list(row.sources)),
        *(row.prompt([text]) for text in row.noise.values()),
    ]


def _each_left_out(row: RowTexts, names: Sequence[str]) -> list[Prompted]:
    return [row.prompt_without(name, names) for name in names]


def _random(row: RowTexts, pool: Sequence[str]) -> list[Prompted]:
    """Return the prompts with random documents, one for each draw.

    We cut the pool into draws. Each draw has as many documents as the row has sources. We skip draws that share a title
    with the row's measured documents, and take the first three (DRAWS) of the others. So most rows with the same number
    of sources share their draws. On the CPU, the model reads a shared draw once.
    """
    own_titles = {_title(text) for text in (*row.sources.values(), *row.noise.values())}
    count = len(row.sources)
    draws = (pool[start : start + count] for start in range(0, len(pool) - count + 1, count))
    unrelated = [draw for draw in draws if not own_titles & set(map(_title, draw))][:DRAWS]
    if len(unrelated) < DRAWS:
        raise UserError(
            f"{row.id}: too few other documents for {DRAWS} draws of {count} random ones: give more rows, or switch "
            "`evidence` off"
        )
    return [row.prompt(draw)._replace(common=True) for draw in unrelated]


def _title(document: str) -> str:
    """Return the first line of a document, which is its title if it has one."""
    return document.partition("\n")[0]


def _needed(rows: Sequence[RowTexts], measurer: Measurer, threshold: float) -> list[tuple[str, ...]]:
    """Return the source documents that each row needs.

    In each step, we try to leave out one more document: the one with the fewest lost bits. We count the lost bits
    against the prompt with all sources, so they include those of every document that is already left out. With fewer
    than `threshold` lost bits, the document stays out; otherwise we stop. So of two documents that state the same, one
    stays. One document always stays. The search is greedy: another order might leave out more.
    """
    kept = {place: list(row.sources) for place, row in enumerate(rows)}
    searched = [place for place, names in kept.items() if len(names) > 1]
    while searched:
        without = [one for place in searched for one in _each_left_out(rows[place], kept[place])]
        measured = measurer.bits([*without, *(rows[place].prompt(rows[place].sources.values()) for place in searched)])
        next_step = []
        for place in searched:
            row, names = rows[place], kept[place]
            own = measured[row.prompt(row.sources.values())]
            costs = {name: lost(own, measured[row.prompt_without(name, names)]) for name in names}
            cheapest = min(names, key=lambda name: costs[name])
            if costs[cheapest] < threshold:
                names.remove(cheapest)
                next_step += [place] if len(names) > 1 else []
        searched = next_step
    return [tuple(names) for names in kept.values()]
