"""Have a model behind an endpoint answer a benchmark's questions, with documents or without.

    python -m scripts.generate_endpoint questions.jsonl --documents documents.jsonl --teacher gpt-4o \\
        --max-new-tokens 500 --decoding greedy --dataset rag_instruct_40k --output outputs.jsonl
"""

import argparse

from rag_instruct import cli
from rag_instruct.benchmarks import read_questions
from rag_instruct.evaluation.endpoint_answers import answer
from rag_instruct.evaluation.questioning import tasks
from rag_instruct.evaluation.records import Output
from rag_instruct.files import write_jsonl
from rag_instruct.llm.session import Session, with_teacher
from rag_instruct.models.decoding import Decoding


def main(arguments: argparse.Namespace) -> None:
    asked = tasks(read_questions(arguments.questions), arguments.documents)
    decoding = Decoding.of(arguments)

    async def work(teacher: Session) -> list[Output]:
        return await answer(asked, teacher, decoding)

    write_jsonl(arguments.output, with_teacher(arguments, arguments.output, work, decoding.sampling()))


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    cli.add_generation(parser)
    cli.add_teacher(parser, stage="evaluation")
    cli.run(main, parser.parse_args())
