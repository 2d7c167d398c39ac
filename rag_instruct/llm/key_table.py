"""Holds the locations of millions of records in sorted arrays, which take a tenth of a dictionary's memory."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from rag_instruct.llm.segment_index import SegmentIndex, short
from rag_instruct.llm.segments import Payer, RecordLocation

LOCATION = np.dtype([("segment", "<i4"), ("position", "<i8"), ("payer", "<i4")])  # with numbers for names and payers


class _Part(NamedTuple):
    keys: np.ndarray  # sorted
    locations: np.ndarray


class KeyTable:
    """Keys and their locations."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []  # each at least twice as long as the next, so that there are few
        self._segments: dict[str, int] = {}
        self._payers: dict[Payer | None, int] = {}

    def __len__(self) -> int:
        return sum(len(part.keys) for part in self._parts)

    def find(self, key: str) -> RecordLocation | None:
        """Return the location of a key."""
        wanted = short([key])
        for keys, locations in self._parts:
            row = int(np.searchsorted(keys, wanted)[0])
            if row < len(keys) and keys[row : row + 1] == wanted:
                return next(self._locations(locations[row : row + 1]))
        return None

    def add(self, locations: Mapping[str, RecordLocation]) -> None:
        """Add keys that are not in the table."""
        found = [
            (_number(self._segments, location.segment), location.position, _number(self._payers, location.payer))
            for location in locations.values()
        ]
        self._add(short(locations), np.array(found, LOCATION))

    def add_index(self, segment: str, index: SegmentIndex) -> np.ndarray:
        """Add the rows of a segment's index whose keys are not in the table, and return them."""
        rows: np.ndarray = index.rows[self._lacks(index.rows["key"])]
        payers = np.array([_number(self._payers, payer) for payer in (*index.payers, None)])
        locations = np.empty(len(rows), LOCATION)
        locations["segment"], locations["position"] = _number(self._segments, segment), rows["position"]
        locations["payer"] = payers[rows["payer"]]  # UNPAID is -1: the last one, None
        self._add(rows["key"], locations)
        return rows

    def locations(self, wanted: Callable[[Payer | None], bool], latest_first: bool = False) -> Iterator[RecordLocation]:
        """Yield the locations of the wanted payers, in the order of the segments and of the records in them."""
        numbers = [number for payer, number in self._payers.items() if wanted(payer)]
        of_parts = (part.locations[np.isin(part.locations["payer"], numbers)] for part in self._parts)
        found = np.concatenate([np.empty(0, LOCATION), *of_parts])
        order = np.lexsort((found["position"], found["segment"]))
        return self._locations(found[order[::-1] if latest_first else order])

    def _lacks(self, keys: np.ndarray) -> np.ndarray:
        found = np.zeros(len(keys), bool)
        for part in self._parts:
            rows = np.minimum(np.searchsorted(part.keys, keys), len(part.keys) - 1)
            found |= part.keys[rows] == keys
        return ~found

    def _add(self, keys: np.ndarray, locations: np.ndarray) -> None:
        while self._parts and len(self._parts[-1].keys) < 2 * len(keys):
            last = self._parts.pop()
            keys, locations = np.concatenate([last.keys, keys]), np.concatenate([last.locations, locations])
        if len(keys):
            order = np.argsort(keys, kind="stable")
            self._parts.append(_Part(keys[order], locations[order]))

    def _locations(self, locations: np.ndarray) -> Iterator[RecordLocation]:
        segments, payers = list(self._segments), list(self._payers)
        for location in locations:
            yield RecordLocation(segments[location["segment"]], int(location["position"]), payers[location["payer"]])


def _number(numbers: dict[Any, int], value: Any) -> int:
    """Return the number of a value. A new one gets the next number."""
    return numbers.setdefault(value, len(numbers))
