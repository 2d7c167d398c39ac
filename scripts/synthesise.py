"""Have a teacher write one chunk of a paradigm's questions and answers.

    python -m scripts.synthesise kept.jsonl --run exemplars.parquet --passages passages.arrow \\
        --prompt resources/prompts/full/single_doc_answer.yaml --paradigm single_doc_answer \\
        --quotas alpaca=4000 lmsys=4000 --oversample 0.02 --chunk 0 --chunks 8 --tries 4 --seed 1 \\
        --teacher gpt-4o --dataset rag_instruct_40k \\
        --pairs chunk_00.jsonl --rejects chunk_00.rejects.jsonl

Args:
    run: the exemplars' search
    quotas: set=rows, over all chunks; * for any set
    oversample: more of them, as a share
    tries: candidates for one row
    no_simulation: questions imitate no exemplar
    teacher: a key of `teachers` in config.yaml
    dataset: whose budget pays
    settings: the graph's resolved settings; left out, config.yaml
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.files import read_jsonl, write_jsonl
from rag_instruct.jobs import job_settings
from rag_instruct.llm.prompts import load_prompt
from rag_instruct.llm.session import Teacher, with_teacher
from rag_instruct.paradigms import PARADIGMS, chunk_slots, slots
from rag_instruct.retrieval.runs import Run
from rag_instruct.synthesis.slots import Synthesis, synthesise


def main(
    exemplars: Path,
    *,
    run: Path,
    passages: Path,
    prompt: Path,
    paradigm: str,
    quotas: list[str],
    oversample: float,
    chunk: int,
    chunks: int,
    tries: int,
    seed: str,
    no_simulation: bool = False,
    teacher: str,
    dataset: str,
    pairs: Path,
    rejects: Path,
    settings: Path | None = None,
) -> None:
    cli.one_of(paradigm, PARADIGMS, "--paradigm")
    kept, found, how = list(read_jsonl(exemplars)), Run(run, passages), load_prompt(prompt)
    rows = {name: int(count) for name, count in (quota.split("=") for quota in quotas)}
    all_slots = slots(rows, oversample)
    own_slots = chunk_slots(len(all_slots), chunk, chunks)

    async def work(asked: Teacher) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
        made_by = {"teacher": asked.model.model, "prompts": prompt.parent.name, "prompt_version": how.version}
        synthesis = Synthesis(paradigm, kept, found, how, asked, not no_simulation, seed, made_by)
        return await synthesise(synthesis, all_slots, own_slots, tries)

    made, rejected = with_teacher(teacher, dataset, "synthesis", job_settings(settings), pairs, work)
    write_jsonl(pairs, made)
    write_jsonl(rejects, rejected)


if __name__ == "__main__":
    cli.run(main)
