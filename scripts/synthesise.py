"""Have a teacher write one chunk of a paradigm's questions and answers.

    python -m scripts.synthesise kept.jsonl --run exemplars.parquet --passages passages.arrow \\
        --prompt resources/prompts/full/single_doc_answer.yaml --paradigm single_doc_answer \\
        --quotas alpaca=4000 lmsys=4000 --oversample 0.02 --chunk 0 --chunks 8 --tries 4 --seed 1 \\
        --teacher gpt-4o --dataset rag_instruct_40k \\
        --pairs chunk_00.jsonl --rejects chunk_00.rejects.jsonl
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.files import read_jsonl, write_jsonl
from rag_instruct.llm.prompts import load_prompt
from rag_instruct.llm.session import Session, with_teacher
from rag_instruct.paradigms import PARADIGMS, chunk_slots, slots
from rag_instruct.retrieval.runs import Run
from rag_instruct.synthesis.slots import Synthesis, synthesise


def main(arguments: argparse.Namespace) -> None:
    exemplars, run = list(read_jsonl(arguments.exemplars)), Run(arguments.run, arguments.passages)
    prompt = load_prompt(arguments.prompt)
    all_slots = slots(
        {name: int(rows) for name, rows in (quota.split("=") for quota in arguments.quotas)}, arguments.oversample
    )
    chunk = chunk_slots(len(all_slots), arguments.chunk, arguments.chunks)

    async def work(teacher: Session) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
        made_by = {
            "teacher": teacher.model.model,
            "prompts": arguments.prompt.parent.name,
            "prompt_version": prompt.version,
        }
        simulate = not arguments.no_simulation
        synthesis = Synthesis(arguments.paradigm, exemplars, run, prompt, teacher, simulate, arguments.seed, made_by)
        return await synthesise(synthesis, all_slots, chunk, arguments.tries)

    pairs, rejects = with_teacher(arguments, arguments.pairs, work)
    write_jsonl(arguments.pairs, pairs)
    write_jsonl(arguments.rejects, rejects)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("exemplars", type=Path)
    parser.add_argument("--run", type=Path, required=True, help="the exemplars' search")
    parser.add_argument("--passages", type=Path, required=True)
    parser.add_argument("--prompt", type=Path, required=True)
    parser.add_argument("--paradigm", choices=PARADIGMS, required=True)
    parser.add_argument("--quotas", nargs="+", required=True, help="set=rows, over all chunks; * for any set")
    parser.add_argument("--oversample", type=float, required=True, help="more of them, as a share")
    parser.add_argument("--chunk", type=int, required=True)
    parser.add_argument("--chunks", type=int, required=True)
    parser.add_argument("--tries", type=int, required=True, help="candidates for one row")
    parser.add_argument("--seed", required=True)
    parser.add_argument("--no-simulation", action="store_true", help="questions imitate no exemplar")
    cli.add_teacher(parser, stage="synthesis")
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--rejects", type=Path, required=True)
    cli.run(main, parser.parse_args())
