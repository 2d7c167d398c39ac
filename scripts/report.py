"""Make the page about a data set: its numbers, and its rows to search and read.

    python -m scripts.report results/rag_instruct_demo.jsonl --pairs pairs/*.jsonl --vectors search/*/queries.npy \\
        --counts counts.json --quality-filters quality_filters/counts.json --ledger ledger.json \\
        --lengths lengths.json \\
        --logs results/logs --names '{"mine": ["rag_instruct_demo"], "others": []}' --made-of '{}' \\
        --template resources/report/page.html --output report.html

Args:
    pairs: one file for each paradigm
    vectors: of their questions, in the same order
    logs: folder whose logs say how long jobs took
    names: JSON: what logs of it are named by ("mine"), and "others"
    made_of: JSON of what the page says of its making
    settings: the graph's resolved settings; left out, config.yaml
"""

import json
from pathlib import Path

import numpy as np

from rag_instruct import cli
from rag_instruct.errors import UserError
from rag_instruct.files import read_json, read_jsonl, whole
from rag_instruct.jobs import job_settings
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.logs import logger
from rag_instruct.report.page import Material, page
from rag_instruct.report.rows import replies_of
from rag_instruct.report.stage_times import stage_times


def vectors_of(ids: list[str], pairs: list[Path], vectors: list[Path]) -> np.ndarray:
    """The vectors (n, d) of the rows' questions; each file of vectors is of the pairs of one file."""
    found: dict[str, np.ndarray] = {}
    for questions, path in zip(pairs, vectors, strict=True):
        found |= zip((pair["id"] for pair in read_jsonl(questions)), np.load(path), strict=True)
    return np.stack([found[name] for name in ids])


def main(
    dataset: Path,
    *,
    pairs: list[Path],
    vectors: list[Path],
    counts: Path,
    quality_filters: Path,
    ledger: Path,
    lengths: Path,
    logs: Path,
    names: str,
    made_of: str,
    template: Path,
    output: Path,
    settings: Path | None = None,
) -> None:
    found = list(read_jsonl(dataset))
    if not found:
        raise UserError(f"{dataset}: no row in it: see its counts.json for what became of the candidates")
    named = json.loads(names)
    material = Material(
        dataset=dataset,
        rows=found,
        vectors=vectors_of([row["id"] for row in found], pairs, vectors),
        counts=read_json(counts),
        quality_filters=read_json(quality_filters),
        ledger=read_json(ledger),
        lengths=read_json(lengths),
        times=stage_times(logs, named["mine"], named["others"]),
        made_of=json.loads(made_of),
        replies=replies_of(AnswerStore(Path(job_settings(settings)["answers"]))),
    )
    text = page(material, template)
    with whole(output) as temporary:
        temporary.write_text(text, "utf-8")
    logger.info("%s: %.1f MB", output, len(text.encode()) / 1e6)


if __name__ == "__main__":
    cli.run(main)
