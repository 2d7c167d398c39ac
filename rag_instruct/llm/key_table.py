"""Where the records of millions of keys lie, in sorted arrays: a tenth of the memory of a dictionary."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from rag_instruct.llm.segment_index import SegmentIndex, short
from rag_instruct.llm.segments import Place

PLACE = np.dtype([("segment", "<i4"), ("position", "<i8"), ("model", "<i4")])  # with numbers for names


class _Part(NamedTuple):
    keys: np.ndarray  # sorted
    places: np.ndarray


class KeyTable:
    """Keys and their places."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []  # each at least twice as long as the next, so that there are few
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return sum(len(part.keys) for part in self._parts)

    def find(self, key: str) -> Place | None:
        """Return the place of a key."""
        wanted = short([key])
        for keys, places in self._parts:
            row = int(np.searchsorted(keys, wanted)[0])
            if row < len(keys) and keys[row : row + 1] == wanted:
                return self._place(places[row])
        return None

    def add(self, places: Mapping[str, Place]) -> None:
        """Add keys that are not in the table."""
        found = [(self._number(place.segment), place.position, self._number(place.model)) for place in places.values()]
        self._add(short(places), np.array(found, PLACE))

    def add_index(self, segment: str, index: SegmentIndex) -> np.ndarray:
        """Add the rows of a segment's index whose keys are not in the table, and return them."""
        rows: np.ndarray = index.rows[self._lacks(index.rows["key"])]
        models = np.array([*(self._number(payer.model) for payer in index.payers), self._number("")])
        places = np.empty(len(rows), PLACE)
        places["segment"], places["position"] = self._number(segment), rows["position"]
        places["model"] = models[rows["payer"]]  # the last one, if nobody paid
        self._add(rows["key"], places)
        return rows

    def places(self) -> Iterator[Place]:
        """Yield all places in their order on the disk."""
        found = np.concatenate([np.empty(0, PLACE), *(part.places for part in self._parts)])
        for place in found[_order(found)]:
            yield self._place(place)

    def answers_of(self, model: str) -> Iterator[Place]:
        """Yield the places of a model's answers, the latest first."""
        found = np.concatenate(
            [np.empty(0, PLACE), *(part.places[part.places["model"] == self._number(model)] for part in self._parts)]
        )
        for place in found[_order(found)[::-1]]:
            yield self._place(place)

    def _lacks(self, keys: np.ndarray) -> np.ndarray:
        found = np.zeros(len(keys), bool)
        for part in self._parts:
            rows = np.minimum(np.searchsorted(part.keys, keys), len(part.keys) - 1)
            found |= part.keys[rows] == keys
        return ~found

    def _add(self, keys: np.ndarray, places: np.ndarray) -> None:
        while self._parts and len(self._parts[-1].keys) < 2 * len(keys):
            last = self._parts.pop()
            keys, places = np.concatenate([last.keys, keys]), np.concatenate([last.places, places])
        if len(keys):
            order = np.argsort(keys, kind="stable")
            self._parts.append(_Part(keys[order], places[order]))

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = len(self._names)
            self._names.append(name)
        return self._numbers[name]

    def _place(self, place: np.void) -> Place:
        return Place(self._names[place["segment"]], int(place["position"]), self._names[place["model"]])


def _order(places: np.ndarray) -> np.ndarray:
    return np.lexsort((places["position"], places["segment"]))
