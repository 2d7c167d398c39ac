"""Let a model behind an endpoint answer a benchmark's questions, with documents or without.

    python -m scripts.generate_endpoint questions.jsonl --documents documents.jsonl --teacher gpt-4o \\
        --max-new-tokens 500 --decoding greedy --dataset rag_instruct_40k --output outputs.jsonl

Args:
    questions: .jsonl of scripts.load_benchmark
    documents: .jsonl of scripts.gather_documents; default: closed book, without documents
    max_new_tokens: the longest answer, in tokens
    decoding: greedy, or paper (temperature 0.5, top-p 0.9)
    output: output, .jsonl
"""

from pathlib import Path
from typing import Literal

from rag_instruct import cli
from rag_instruct.evaluation.endpoint_answers import answer
from rag_instruct.evaluation.questioning import tasks
from rag_instruct.evaluation.records import Output
from rag_instruct.files import write_jsonl
from rag_instruct.jobs import job_settings
from rag_instruct.llm.session import Session, with_teacher
from rag_instruct.models.decoding import Decoding
from rag_instruct.record_files import read_records
from rag_instruct.schema import Question


def main(
    questions: Path,
    *,
    documents: Path | None = None,
    max_new_tokens: int,
    decoding: Literal["greedy", "paper"],
    output: Path,
    teacher: str,
    dataset: str,
    settings: Path | None = None,
    requests: int | None = None,
) -> None:
    asked = tasks(read_records(questions, Question), documents)
    how = Decoding.of(max_new_tokens, decoding)

    async def work(model: Session) -> list[Output]:
        return await answer(asked, model, how)

    outputs = with_teacher(
        teacher, dataset, "evaluation", job_settings(settings, requests), output, work, how.sampling()
    )
    write_jsonl(output, outputs)


if __name__ == "__main__":
    cli.run(main)
