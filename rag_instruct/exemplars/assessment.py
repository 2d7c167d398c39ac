"""Measures how well an exemplar filter agrees with labels."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from rag_instruct.errors import UserError
from rag_instruct.exemplars.knowledge import KNOWLEDGE
from rag_instruct.records import located_records, shown
from rag_instruct.records.values import flag
from rag_instruct.schema import DroppedExemplar, Exemplar
from rag_instruct.statistics import wilson
from rag_instruct.tables import frame, text


def labelled(path: Path, texts: Iterable[tuple[int, str]]) -> dict[str, tuple[Exemplar, str]]:
    """Read labels: return each exemplar with its category, by the exemplar's id.

    A label has an `instruction`, or the number of a `row` of `texts`. Raises UserError if it has neither. Its category
    is its `category`. Without one, it is KNOWLEDGE if `knowledge_intensive` is true, or else "other".
    """
    by_row = dict(texts)
    found = {}
    for number, (place, label) in enumerate(located_records(path)):
        if not isinstance(label, dict):
            raise UserError(f"{path}, {place}: {shown(label)} is not a JSON object: correct or remove the label")
        instruction, row = label.get("instruction"), label.get("row")
        if instruction is None and isinstance(row, int):
            instruction = by_row.get(row)
        needs_knowledge = flag(label, "knowledge_intensive", False, f"{path}, {place}")
        category = str(label.get("category", KNOWLEDGE if needs_knowledge else "other"))
        if not isinstance(instruction, str):
            raise UserError(f"{path}, {place}: give `instruction` as a text, or a `row` of --texts: {label}")
        exemplar = Exemplar(f"label:{number}", "label", number, "", instruction)
        found[exemplar.id] = exemplar, category
    return found


def assess(
    labels: Mapping[str, tuple[Exemplar, str]], kept: Iterable[Exemplar], dropped: Iterable[DroppedExemplar]
) -> dict[str, tuple[int, int]]:
    """Return how many exemplars of each category were kept and dropped."""
    stayed, went = (Counter(labels[one.id][1] for one in part) for part in (kept, dropped))
    return {category: (stayed[category], went[category]) for category in sorted(stayed | went)}


def table(name: str, found: Mapping[str, tuple[int, int]]) -> str:
    """Return precision and recall with 95 % intervals, and the numbers kept and dropped by category, as text."""
    right, missed = found.get(KNOWLEDGE, (0, 0))
    kept = sum(stayed for stayed, _ in found.values())
    measures = []
    for measure, part, whole in (("precision", right, kept), ("recall", right, right + missed)):
        low, high = wilson(part, whole)
        measures.append([measure, f"{part / max(whole, 1):.3f}", f"{low:.3f} to {high:.3f}", f"{part} of {whole}"])
    return "\n\n".join(
        [
            f"{name}: {sum(map(sum, found.values()))} instructions, of which {right + missed} need knowledge",
            text(frame(["measure", "value", "95 % interval", "instructions"], measures)),
            text(frame(["category", "kept", "dropped"], ([category, *counts] for category, counts in found.items()))),
        ]
    )
