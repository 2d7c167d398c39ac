"""Score a model's outputs by the field's rules and by the paper's rule.

python -m scripts.score outputs.jsonl --schema popqa --questions questions.jsonl --output scores.jsonl

Args:
    outputs: .jsonl of scripts.generate_local or scripts.generate_endpoint
    schema: file of rag_instruct/benchmarks/ whose rules score the outputs, without .py
    questions: .jsonl of scripts.load_benchmark
    output: output, .jsonl
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.benchmarks import benchmark
from rag_instruct.evaluation.scored import scored
from rag_instruct.files import write_jsonl
from rag_instruct.record_files import read_records
from rag_instruct.schema import Question


def main(outputs: Path, *, schema: str, questions: Path, output: Path) -> None:
    asked = list(read_records(questions, Question))
    write_jsonl(output, scored(asked, outputs, benchmark(schema)))


if __name__ == "__main__":
    cli.run(main)
