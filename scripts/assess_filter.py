"""Say how well a filter of exemplars, the heuristic or a teacher, agrees with labels.

    python -m scripts.assess_filter tests/data/labelled_instructions.jsonl --filter heuristic
    python -m scripts.assess_filter tests/data/labelled_instructions.jsonl --filter gpt-4o --dataset rag_instruct_40k
    python -m scripts.assess_filter tests/data/alpaca_labels.jsonl --texts alpaca_2500.json --schema alpaca

Labels are JSON lines with `category` ("knowledge" is what a filter keeps), or `knowledge_intensive`, and `instruction`,
or `row`, which counts the records of --texts from 0. A teacher is paid from the data set's budget, and not twice.
"""

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from rag_instruct import cli
from rag_instruct.exemplars.assessment import assess, labelled, table
from rag_instruct.exemplars.heuristic import filter_by_heuristic
from rag_instruct.exemplars.instruction_sets import SCHEMAS, InstructionSet
from rag_instruct.exemplars.knowledge import filter_by_teacher
from rag_instruct.llm.prompts import load_prompt
from rag_instruct.llm.session import Session, with_teacher
from rag_instruct.schema import Exemplar

Filter = Callable[[list[Exemplar]], tuple[list[Exemplar], list[Exemplar]]]
PROMPT = Path("resources/prompts/knowledge_intensive.yaml")


def main(arguments: argparse.Namespace) -> None:
    texts: Iterable[dict[str, Any]] = []
    if arguments.texts:
        texts = InstructionSet([arguments.texts], "labels", SCHEMAS[arguments.schema])
    exemplars = labelled(arguments.labels, texts)
    judge: Filter = filter_by_heuristic if arguments.teacher == "heuristic" else asked(arguments)
    kept, dropped = judge(exemplars)
    print(table(arguments.teacher, assess(kept, dropped)))


def asked(arguments: argparse.Namespace) -> Filter:
    """The teacher as a filter."""

    def judged(exemplars: list[Exemplar]) -> tuple[list[Exemplar], list[Exemplar]]:
        async def work(teacher: Session) -> tuple[list[Exemplar], list[Exemplar]]:
            return await filter_by_teacher(exemplars, load_prompt(PROMPT), teacher, arguments.a_request)

        return with_teacher(arguments, arguments.labels, work)

    return judged


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--filter", dest="teacher", default="heuristic", help="heuristic, or a key of `teachers`")
    parser.add_argument("--dataset", default="rag_instruct_40k", help="whose budget pays for a teacher")
    parser.add_argument("--a-request", type=int, default=10, help="exemplars in one request, on average")
    parser.add_argument("--texts", type=Path, help="the file whose rows are labelled")
    parser.add_argument("--schema", choices=sorted(SCHEMAS), default="plain")
    parser.set_defaults(stage="exemplar filter")
    cli.run(main, parser.parse_args())
