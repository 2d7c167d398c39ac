"""Let a teacher write one chunk of a paradigm's questions and answers.

    python -m scripts.synthesise kept.jsonl --run exemplars.parquet --passages passages.arrow \\
        --prompt resources/prompts/full/single_doc_answer.yaml --paradigm single_doc_answer \\
        --quotas alpaca=4000 lmsys=4000 --oversample 0.02 --chunk 0 --chunks 8 --tries 4 --seed 1 \\
        --teacher gpt-4o --dataset rag_instruct_40k \\
        --pairs chunk_00.jsonl --rejects chunk_00.rejects.jsonl

Args:
    exemplars: .jsonl that the exemplar filter kept
    run: search results of the exemplars, .parquet
    passages: corpus, .arrow
    prompt: prompt of the paradigm, .yaml
    paradigm: name of the paradigm
    quotas: set=rows for each exemplar set, all chunks together; the set * means any set
    oversample: extra rows, as a share of the rows
    chunk: number of the chunk, from 0
    chunks: number of all chunks
    tries: candidates to try for one row
    seed: draws exemplars and documents
    source_words: least words of a source document
    facts: facts of the passages, .jsonl of scripts.find_facts, for prompts with single sentences
    linked: linked documents of the exemplars, .jsonl of scripts.link_documents, for paradigms with several documents;
        default: their documents are the next best hits
    no_simulation: let questions imitate no exemplar
    citations: let answers cite their documents
    declining: share of the rows whose needed document is withheld, and whose answer says so
    language: language of the rows (ISO 639-1)
    pairs: output, .jsonl
    rejects: output, .jsonl
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.jobs import job_settings
from rag_instruct.llm.prompts import load_prompt
from rag_instruct.llm.session import Session, with_teacher
from rag_instruct.paradigms import PARADIGMS, chunk_slots, slots
from rag_instruct.record_files import read_records, write_records
from rag_instruct.retrieval.linked_documents import by_exemplar
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import Exemplar, Pair, Reject
from rag_instruct.synthesis.facts import facts_by_passage
from rag_instruct.synthesis.slots import Origin, Synthesis, check_exemplars, synthesise


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
    source_words: int = 0,
    facts: Path | None = None,
    linked: Path | None = None,
    no_simulation: bool = False,
    citations: bool = False,
    declining: float = 0.0,
    language: str = "en",
    teacher: str,
    dataset: str,
    pairs: Path,
    rejects: Path,
    settings: Path | None = None,
    requests: int | None = None,
) -> None:
    cli.one_of(paradigm, PARADIGMS, "--paradigm")
    kept, found, how = list(read_records(exemplars, Exemplar)), Run(run, passages), load_prompt(prompt, language)
    rows = cli.counts_by_name(quotas, "--quotas")
    all_slots = slots(rows, oversample)
    check_exemplars(paradigm, kept, all_slots)
    own_slots = chunk_slots(len(all_slots), chunk, chunks)

    async def work(asked: Session) -> tuple[list[Pair], list[Reject]]:
        origin = Origin(asked.model.model, prompt.parent.name, how.version)
        synthesis = Synthesis(
            paradigm, kept, found, how, asked, not no_simulation, seed, origin,
            least_words=source_words, linked=by_exemplar(linked), declining=declining, citing=citations,
            facts=facts_by_passage(facts) if facts else {},
        )  # fmt: skip
        return await synthesise(synthesis, all_slots, own_slots, tries)

    made, rejected = with_teacher(teacher, dataset, "synthesis", job_settings(settings, requests), pairs, work)
    write_records(pairs, made)
    write_records(rejects, rejected)


if __name__ == "__main__":
    cli.run(main)
