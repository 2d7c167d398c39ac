"""Compare retrievers by the gold passages of benchmarks: recall and nDCG with intervals.

    python -m scripts.compare_retrievers search/evaluation_popqa/dense.parquet search/evaluation_popqa/bm25.parquet \\
        --questions benchmarks/popqa/questions.jsonl --labels '{"popqa": "PopQA"}' --passages passages.arrow \\
        --dataset my_data --markdown retrieval.md --json retrieval.json --svg retrieval.svg

Args:
    runs: .parquet; the folder evaluation_<benchmark> and the file <retriever> give their names
    questions: .jsonl of scripts.load_benchmark; the folder gives the benchmark's name
    labels: names of the benchmarks in tables, as JSON
    passages: corpus of the runs, .arrow
    dataset: name of the data set, for the title
    markdown: output, .md: a table for each benchmark
    json: output, .json: every measure with its interval
    svg: output, .svg: recall by depth
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.errors import UserError
from rag_instruct.evaluation.retrievers import Measurement, draw_recall, measurements, page
from rag_instruct.files import write_json, write_text
from rag_instruct.record_files import read_records
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import Question


def main(
    runs: list[Path],
    *,
    questions: list[Path],
    labels: str,
    passages: Path,
    dataset: str,
    markdown: Path,
    json: Path,
    svg: Path,
) -> None:
    named = cli.json_object(labels, "--labels")
    asked = {path.parent.name: list(read_records(path, Question)) for path in questions}
    found: list[Measurement] = []
    for path in runs:
        benchmark = path.parent.name.removeprefix("evaluation_")
        found += measurements(benchmark, asked[benchmark], path.stem, Run(path, passages))
    if not found:
        raise UserError(
            f"config.yaml: datasets.{dataset}.evaluation.benchmarks: none of {', '.join(asked)} names gold passages: "
            "add a benchmark with `gold_passage_ids` or `gold_titles`"
        )
    write_json(json, [one._asdict() for one in found])
    draw_recall(named, found, svg)
    write_text(markdown, page(dataset, named, found, svg.name))


if __name__ == "__main__":
    cli.run(main)
