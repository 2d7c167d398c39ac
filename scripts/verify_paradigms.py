"""Test whether rows have the paradigm that they were written for.

    python -m scripts.verify_paradigms rows/multi_doc_answer.jsonl --share 0.1 --seed 1 \\
        --prompts resources/prompts/verification \\
        --teacher gpt-4o --dataset rag_instruct_40k --output verification/multi_doc_answer.jsonl
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.dataset.verification import Examiner, sampled, verify
from rag_instruct.files import read_jsonl, write_jsonl
from rag_instruct.llm.session import Session, with_teacher
from rag_instruct.schema import Verdict


def main(arguments: argparse.Namespace) -> None:
    rows = sampled(read_jsonl(arguments.rows), arguments.share, arguments.seed)

    async def work(judge: Session) -> list[Verdict]:
        return await verify(rows, Examiner(judge, arguments.prompts), judge)

    write_jsonl(arguments.output, with_teacher(arguments, arguments.output, work))


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--prompts", type=Path, required=True, help="folder of the judge's prompts")
    parser.add_argument("--share", type=float, required=True, help="of the rows")
    parser.add_argument("--seed", required=True)
    cli.add_teacher(parser, stage="verification")
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
