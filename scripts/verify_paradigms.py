"""Test with a judge model whether rows have the paradigm that they were written for.

    python -m scripts.verify_paradigms rows/multi_doc_answer.jsonl --stopped stopped.jsonl --share 0.1 --seed 1 \\
        --prompts resources/prompts/verification \\
        --teacher gpt-4o --dataset rag_instruct_40k --output verification/multi_doc_answer.jsonl

Args:
    rows: .jsonl of one paradigm
    stopped: rows that a quality filter stopped, .jsonl of scripts.filter_rows; they are not tested
    prompts: folder of the judge's prompts
    share: share of the rows to test, from 0 to 1
    seed: draws the tested rows
    output: output, .jsonl: verdicts
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.dataset.verification import Examiner, sampled, verify
from rag_instruct.jobs import job_settings
from rag_instruct.llm.session import Session, with_teacher
from rag_instruct.record_files import read_records, write_records
from rag_instruct.schema import Row, StoppedRow, Verdict


def main(
    rows: Path,
    *,
    stopped: Path | None = None,
    prompts: Path,
    share: float,
    seed: str,
    teacher: str,
    dataset: str,
    output: Path,
    settings: Path | None = None,
    requests: int | None = None,
) -> None:
    halted = {one.id for one in read_records(stopped, StoppedRow)} if stopped else set()
    drawn = sampled(read_records(rows, Row), share, seed, halted)

    async def work(judge: Session) -> list[Verdict]:
        return await verify(drawn, Examiner(judge, prompts), judge)

    write_records(
        output, with_teacher(teacher, dataset, "verification", job_settings(settings, requests), output, work)
    )


if __name__ == "__main__":
    cli.run(main)
