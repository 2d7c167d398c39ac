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
from rag_instruct.jobs import job_settings
from rag_instruct.llm.prompts import load_prompt
from rag_instruct.llm.session import Session, with_teacher
from rag_instruct.paradigms import PARADIGMS, chunk_slots, slots
from rag_instruct.record_files import read_records, write_records
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import Exemplar, Pair, Reject
from rag_instruct.synthesis.slots import Origin, Synthesis, synthesise


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
    kept, found, how = list(read_records(exemplars, Exemplar)), Run(run, passages), load_prompt(prompt)
    rows = {name: int(count) for name, count in (quota.split("=") for quota in quotas)}
    all_slots = slots(rows, oversample)
    own_slots = chunk_slots(len(all_slots), chunk, chunks)

    async def work(asked: Session) -> tuple[list[Pair], list[Reject]]:
        origin = Origin(asked.model.model, prompt.parent.name, how.version)
        synthesis = Synthesis(paradigm, kept, found, how, asked, not no_simulation, seed, origin)
        return await synthesise(synthesis, all_slots, own_slots, tries)

    made, rejected = with_teacher(teacher, dataset, "synthesis", job_settings(settings), pairs, work)
    write_records(pairs, made)
    write_records(rejects, rejected)


if __name__ == "__main__":
    cli.run(main)
