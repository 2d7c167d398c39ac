"""Show rows of a data set in the terminal, with their documents. The first rows have different paradigms.

python -m scripts.show_rows results/rag_instruct_demo.jsonl --count 3

Args:
    dataset: .jsonl
    count: number of rows to show
"""

import textwrap
from pathlib import Path

from rag_instruct import cli
from rag_instruct.files import read_json
from rag_instruct.record_files import read_data_set
from rag_instruct.schema import Row

WIDTH = 100


def show(row: Row) -> str:
    """Return a row as text for the terminal: question, answer, exemplar, and documents with their roles."""
    lines = [f"── {row.paradigm} · {row.kind} · {row.id} ".ljust(WIDTH, "─")]
    for name, text in (("question", row.question), ("answer", row.answer), ("imitates", row.exemplar)):
        lines.append(_wrapped(f"{name:>9}  ", text))
    for document, passage in zip(row.documents, row.passages, strict=True):
        title, _, text = document.partition("\n")
        lines.append(_wrapped(f"{passage.role:>9}  ", f"[{passage.id}] {title}: {textwrap.shorten(text, 160)}"))
    return "\n".join(lines)


def _wrapped(lead: str, text: str) -> str:
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, WIDTH - len(lead)) or [""]]
    return lead + f"\n{' ' * len(lead)}".join(lines)


def main(dataset: Path, *, count: int = 3) -> None:
    rows = read_data_set(dataset)
    # The first row of each paradigm comes first, so that five rows show all five paradigms.
    first = {row.paradigm: row for row in reversed(rows)}
    ordered = [*first.values(), *(row for row in rows if row not in first.values())]
    print("\n\n".join(show(row) for row in ordered[:count]))
    counts = dataset.with_suffix("") / "counts.json"
    made = read_json(counts)["paradigms"] if counts.exists() else {}
    by_paradigm = ", ".join(f"{name} {one['rows']} of {one['wanted']}" for name, one in made.items())
    print(f"\n{dataset.resolve()}: {len(rows)} rows. {by_paradigm}".rstrip())


if __name__ == "__main__":
    cli.run(main)
