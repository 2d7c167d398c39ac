"""Write an evaluation's tables: scores with intervals, gains with paired tests, disagreements, published scores.

    python -m scripts.tabulate --scores evaluation/*/*/*.scores.jsonl --outputs evaluation/*/*/*.outputs.jsonl \\
        --questions benchmarks/popqa/questions.jsonl --retrieval evaluation/popqa/retrieval.json --described '{...}' \\
        --published resources/evaluation/published_scores.yaml \\
        --json evaluation.json --markdown evaluation.md --csv evaluation.csv --disagreements disagreements.jsonl

Args:
    scores: files <benchmark>/<given>/<model>.scores.jsonl
    outputs: files <benchmark>/<given>/<model>.outputs.jsonl
    questions: files <benchmark>/questions.jsonl
    retrieval: files <benchmark>/retrieval.json
    json: output, .json
    markdown: output, .md
    csv: output, .csv: one line for each score
    disagreements: output, .jsonl: outputs that the benchmark's rule and the paper's rule score differently
    described: JSON: data set, models, benchmarks and settings of the evaluation
    published: scores that others published, .yaml
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rag_instruct import cli
from rag_instruct.evaluation.results import Evaluation
from rag_instruct.evaluation.summary import Answers, summary
from rag_instruct.evaluation.summary import published as scores_of
from rag_instruct.evaluation.tables import every_score, page
from rag_instruct.files import read_json, write_json, write_jsonl, write_text


def main(
    *,
    scores: list[Path],
    outputs: list[Path],
    questions: list[Path],
    retrieval: Sequence[Path] = (),
    json: Path,
    markdown: Path,
    csv: Path,
    disagreements: Path,
    described: str,
    published: Path,
) -> None:
    how: Any = cli.json_object(described, "--described")
    evaluation = Evaluation(scores, how)
    answers = Answers(outputs, questions)
    differing = list(answers.joined(evaluation.disputed()))
    quality = {path.parent.name: read_json(path) for path in retrieval}
    made = summary(evaluation, how, quality, differing, scores_of(published, how["benchmarks"]))
    write_jsonl(disagreements, differing)
    write_json(json, made)
    write_text(markdown, page(made))
    write_text(csv, every_score(made).to_csv(index=False, lineterminator="\n"))


if __name__ == "__main__":
    cli.run(main)
