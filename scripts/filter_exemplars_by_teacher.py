"""Keep the exemplars that a language model judges knowledge-intensive.

    python -m scripts.filter_exemplars_by_teacher drawn.jsonl --prompt resources/prompts/knowledge_intensive.yaml \\
        --a-request 10 --teacher gpt-4o --dataset rag_instruct_40k --kept kept.jsonl --dropped dropped.jsonl
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.exemplars.funnel import log_filtered
from rag_instruct.exemplars.knowledge import filter_by_teacher
from rag_instruct.files import read_jsonl, write_jsonl
from rag_instruct.llm.prompts import load_prompt
from rag_instruct.llm.session import Session, with_teacher
from rag_instruct.schema import Exemplar


def main(arguments: argparse.Namespace) -> None:
    exemplars, prompt = list(read_jsonl(arguments.exemplars)), load_prompt(arguments.prompt)

    async def work(teacher: Session) -> tuple[list[Exemplar], list[Exemplar]]:
        return await filter_by_teacher(exemplars, prompt, teacher, arguments.a_request)

    kept, dropped = with_teacher(arguments, arguments.kept, work)
    log_filtered(kept, dropped)
    write_jsonl(arguments.kept, kept)
    write_jsonl(arguments.dropped, dropped)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("exemplars", type=Path)
    parser.add_argument("--prompt", type=Path, required=True)
    parser.add_argument("--a-request", type=int, default=10, help="exemplars in one request, on average")
    cli.add_teacher(parser, stage="exemplar filter")
    parser.add_argument("--kept", type=Path, required=True)
    parser.add_argument("--dropped", type=Path, required=True)
    cli.run(main, parser.parse_args())
