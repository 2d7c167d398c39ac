"""Score a model's outputs, by the field's rules and by the original's.

python -m scripts.score outputs.jsonl --schema popqa --questions questions.jsonl --output scores.jsonl

Args:
    schema: a file of rag_instruct/benchmarks/, whose rules are used
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.benchmarks import benchmark, read_questions
from rag_instruct.evaluation.results import scored
from rag_instruct.files import read_jsonl, write_jsonl


def main(outputs: Path, *, schema: str, questions: Path, output: Path) -> None:
    rules = benchmark(schema)
    asked = list(read_questions(questions))
    write_jsonl(output, scored(asked, read_jsonl(outputs), rules.score, rules.paper_score))


if __name__ == "__main__":
    cli.run(main)
