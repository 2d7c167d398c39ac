"""Draws exemplars from instruction sets, and drops those that fail a check."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rag_instruct.files import digest
from rag_instruct.language import other_language
from rag_instruct.logs import bar, logger
from rag_instruct.near_duplicates import NearDuplicates
from rag_instruct.overlap import ContaminationIndex
from rag_instruct.reasons import Fault, Reason
from rag_instruct.schema import DroppedExemplar, Exemplar, fields_of
from rag_instruct.words import count_characters, fold
from rag_instruct.worked_examples import has_worked_examples

SHOWN = 500  # how many characters of a dropped instruction we save: some are whole books
LEAST_BLOCK = 1024  # the first block has at least so many exemplars
MOST_BLOCK = 65_536  # a block does not grow beyond this, unless more are wanted


@dataclass
class Cleaning:
    """Checks exemplars, and remembers those of all sets to find repeated ones."""

    characters: tuple[int, int]  # fewest and most
    language: str | None = "en"  # ISO 639-1
    threshold: float | None = 0.8  # least Jaccard similarity of near duplicates
    benchmarks: ContaminationIndex = field(default_factory=lambda: ContaminationIndex({}))
    worked_examples: bool = True  # whether instructions with worked examples are dropped

    def __post_init__(self) -> None:
        self._known: dict[str, str] = {}  # normalised text -> id of the first exemplar with that text
        self._near = NearDuplicates(self.threshold) if self.threshold else None

    def fault(self, exemplar: Exemplar) -> Fault | None:
        """Return why an exemplar is dropped, or None. The cheap checks run first."""
        key, text = exemplar.id, exemplar.instruction
        return (
            self._length(text)
            or self._repeated(key, text)
            or self._worked_example(text)
            or self._foreign(text)
            or self._benchmark(text)
            or self._alike(key, text)
        )

    def _length(self, text: str) -> Fault | None:
        least, most = self.characters
        length = count_characters(text)
        if least <= length <= most:
            return None
        return Fault(Reason.TOO_SHORT if length < least else Reason.TOO_LONG, f"{length} characters")

    def _repeated(self, key: str, text: str) -> Fault | None:
        other = self._known.setdefault(fold(text), key)
        return None if other == key else Fault(Reason.REPEATED, f"as {other}")

    def _worked_example(self, text: str) -> Fault | None:
        return Fault(Reason.WORKED_EXAMPLES) if self.worked_examples and has_worked_examples(text) else None

    def _foreign(self, text: str) -> Fault | None:
        found = self.language and other_language(text, self.language)
        return Fault(Reason.ANOTHER_LANGUAGE, found) if found else None

    def _benchmark(self, text: str) -> Fault | None:
        found = self.benchmarks.found(text)
        return Fault(Reason.IN_A_BENCHMARK, found) if found else None

    def _alike(self, key: str, text: str) -> Fault | None:
        other = self._near.find_or_add(key, text) if self._near else None
        return Fault(Reason.NEAR_DUPLICATE, f"as {other}") if other else None


@dataclass
class DrawnExemplars:
    """The exemplars drawn, those dropped by a check, and the numbers of both by set."""

    exemplars: list[Exemplar] = field(default_factory=list)
    dropped: list[DroppedExemplar] = field(default_factory=list)
    counts: dict[str, dict[str, Any]] = field(default_factory=dict)


def draw(sets: Mapping[str, tuple[Path, str, int]], seed: str, cleaning: Cleaning) -> DrawnExemplars:
    """Draw from each set the first exemplars that pass the checks, in the order of their digests.

    `sets` maps each set's name to its table, licence and wanted number. We stop at the wanted number, and log a warning
    if a set has fewer. No text is drawn twice, so a set's draw depends on the sets before it, but not on those after
    it. A new set at the end, or a larger number for the last set, keeps all earlier draws.
    """
    drawn = DrawnExemplars()
    for name, (table, license_, wanted) in sets.items():
        picks, reasons, looked = 0, Counter[str](), 0
        with bar(f"drawing from {name}", total=wanted) as counter:
            for exemplar in in_drawing_order(table, name, license_, seed, block=max(wanted, LEAST_BLOCK)):
                looked += 1
                if fault := cleaning.fault(exemplar):
                    reasons[fault.reason] += 1
                    shown = {**fields_of(exemplar), "instruction": exemplar.instruction[:SHOWN]}
                    drawn.dropped.append(DroppedExemplar(**shown, **fault._asdict()))
                    continue
                drawn.exemplars.append(exemplar)
                picks += 1
                counter.update()
                if picks == wanted:
                    break
        total = pq.read_metadata(table).num_rows
        drawn.counts[name] = {
            "instructions": total,
            "not looked at": total - looked,
            "dropped": dict(sorted(reasons.items())),
            "drawn": picks,
            "wanted": wanted,
        }
        if picks < wanted:
            logger.warning(
                "%s: %d drawn of %d wanted: the set has %d instructions, and cleaning dropped %d",
                name,
                picks,
                wanted,
                total,
                reasons.total(),
            )
    return drawn


def in_drawing_order(table: Path, name: str, license_: str, seed: str, block: int) -> Iterator[Exemplar]:
    """Read a set's exemplars in the order of the digests of seed and id.

    An added or removed record does not change the order of the others. We hold one block of exemplars in memory,
    and each block costs one pass over the file. If the checks drop most exemplars of a set, it needs many blocks. So
    each block is twice as large as the one before, up to MOST_BLOCK.
    """
    rows = pq.read_table(table, columns=["row"])["row"].to_numpy()
    drawn_by = np.array([digest(seed, f"{name}:{row}")[:24] for row in rows.tolist()], dtype="S24")
    order = np.argsort(drawn_by, kind="stable")
    end = 0
    while end < len(order):
        positions = order[end : end + block]
        end, block = end + block, max(block, min(2 * block, MOST_BLOCK))
        texts = _texts(table, np.sort(positions))
        for row, position in zip(rows[positions].tolist(), positions.tolist(), strict=True):
            yield Exemplar(f"{name}:{row}", name, row, license_, texts[position])


def _texts(table: Path, positions: np.ndarray) -> dict[int, str]:
    """Return the instructions at positions of the table, which must be sorted, by position."""
    found: dict[int, str] = {}
    file, start = pq.ParquetFile(table), 0
    for group in range(file.num_row_groups):
        end = start + file.metadata.row_group(group).num_rows
        here = positions[np.searchsorted(positions, start) : np.searchsorted(positions, end)]
        if len(here):
            column = file.read_row_group(group, columns=["instruction"])["instruction"]
            found |= zip(here.tolist(), column.take(pa.array(here - start)).to_pylist(), strict=True)
        start = end
    return found
