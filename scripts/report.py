"""Write the page about a data set, with its numbers and its rows to search and read.

    python -m scripts.report results/rag_instruct_demo.jsonl --pairs pairs/{single,multi}_doc_answer.jsonl \\
        --vectors search/{single,multi}_doc_answer/queries.npy \\
        --counts counts.json --quality-filters quality_filters/counts.json --ledger ledger.json \\
        --lengths lengths.json --logs results/logs --made-of '{}' \\
        --names '{"mine": ["rag_instruct_demo"], "others": []}' \\
        --template resources/report/page.html --output report.html

Args:
    dataset: .jsonl
    pairs: one .jsonl for each paradigm
    vectors: embeddings of the pairs' questions, in the same order, .npy
    counts: .json of scripts.merge_dataset
    quality_filters: .json of scripts.filter_rows
    ledger: summary, .json, of scripts.ledger
    lengths: .json of scripts.measure_lengths
    logs: folder of the job logs, which have the jobs' times
    names: JSON: "mine" has the names of this data set, its corpus, sets and benchmarks; "others" has all other
        names
    made_of: JSON: what the page says about the data set's making
    template: template of the page, .html
    output: output, .html
"""

from pathlib import Path

import numpy as np

from rag_instruct import cli
from rag_instruct.files import read_json, write_text
from rag_instruct.jobs import job_settings
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.logs import logger
from rag_instruct.record_files import read_data_set
from rag_instruct.report.page import Material, page
from rag_instruct.report.rows import replies_of
from rag_instruct.report.stage_times import stage_times
from rag_instruct.retrieval.queries import vectors_by_id


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
    found = read_data_set(dataset)
    by_id = vectors_by_id(pairs, vectors)
    counted = read_json(lengths)
    named = cli.json_object(names, "--names", needed=("mine", "others"))
    material = Material(
        dataset=dataset,
        rows=found,
        vectors=np.stack([by_id[row.id] for row in found]),
        counts=read_json(counts),
        quality_filters=read_json(quality_filters),
        ledger=read_json(ledger),
        lengths={**counted, "tokens": [counted["tokens"][row.id] for row in found]},
        times=stage_times(logs, named["mine"], named["others"]),
        made_of=cli.json_object(made_of, "--made-of"),
        replies=replies_of(AnswerStore(Path(job_settings(settings)["answers"]))),
    )
    text = page(material, template)
    write_text(output, text)
    logger.info("%s: %.1f MB", output, len(text.encode()) / 1e6)


if __name__ == "__main__":
    cli.run(main)
