"""Write an evaluation's HTML page, with plots and sample outputs.

    python -m scripts.draw_page evaluation.json --scores evaluation/*/*/*.scores.jsonl \\
        --outputs evaluation/*/*/*.outputs.jsonl --questions benchmarks/popqa/questions.jsonl \\
        --documents evaluation/popqa/documents.jsonl --template resources/evaluation/page.html --output evaluation.html

Args:
    table: .json of scripts.tabulate
    scores: files <benchmark>/<given>/<model>.scores.jsonl
    outputs: files <benchmark>/<given>/<model>.outputs.jsonl
    questions: files <benchmark>/questions.jsonl
    documents: files <benchmark>/documents.jsonl
    template: template of the page, .html
    output: output, .html
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.evaluation.page import page, samples
from rag_instruct.evaluation.results import Evaluation
from rag_instruct.evaluation.summary import Answers
from rag_instruct.files import read_json, write_text


def main(
    table: Path,
    *,
    scores: list[Path],
    outputs: list[Path],
    questions: list[Path],
    documents: list[Path],
    template: Path,
    output: Path,
) -> None:
    made = read_json(table)
    shown = list(samples(made, Evaluation(scores, made), Answers(outputs, questions), documents))
    write_text(output, page(made, shown, template))


if __name__ == "__main__":
    cli.run(main)
