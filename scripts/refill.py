"""Replace missing rows: slots whose pair was dropped after the synthesis try their next candidates.

    python -m scripts.refill kept.jsonl --rows rows/single_doc_answer.jsonl --stopped before_refill.jsonl \\
        --pairs pairs/single_doc_answer.jsonl --pair-rejects pairs/single_doc_answer.rejects.jsonl \\
        --run exemplars.parquet --passages passages.arrow --prompts resources/prompts/full \\
        --quotas '{"single_doc_answer": {"alpaca": 4000}}' --oversample 0.02 --tries 4 --seed 1 --teacher gpt-4o \\
        --dataset rag_instruct_40k --quality-filters '{"near_duplicates": 0.8}' \\
        --refilled refill.jsonl --rejects refill.rejects.jsonl

If no row is missing, no teacher is started.

Args:
    exemplars: .jsonl that the exemplar filter kept
    rows: .jsonl of scripts.assemble, of all paradigms
    stopped: rows that a quality filter stopped, .jsonl of scripts.filter_rows
    verdicts: .jsonl files of scripts.verify_paradigms
    on_verification: what happens to rows that fail the verification
    evidence: bits of rows, .jsonl of scripts.measure_evidence
    on_evidence: what happens to rows whose bits show another paradigm
    pairs: .jsonl of scripts.gather_pairs, of each paradigm
    pair_rejects: the rejects of the same paradigms, in the same order, .jsonl
    run: search results of the exemplars, .parquet
    passages: corpus, .arrow
    linked: linked documents of the exemplars, .jsonl of scripts.link_documents, for paradigms with several documents
    facts: facts of the passages, .jsonl of scripts.find_facts, for prompts with single sentences
    prompts: folder with the prompts of the paradigms
    quotas: JSON: for each paradigm, the rows of each exemplar set, in the order of `pairs`
    oversample: extra rows, as a share of the rows
    tries: candidates to try for one row
    seed: draws exemplars and documents
    source_words: least words of a source document
    no_simulation: let questions imitate no exemplar
    citations: let answers cite their documents
    declining: share of the rows whose needed document is withheld, and whose answer says so
    language: language of the rows (ISO 639-1)
    quality_filters: JSON of `quality_filters` in config.yaml
    benchmarks: questions of benchmarks that no row may have, .jsonl
    note: where to write the budget if the refill ran out of it, .json; the next run of the workflow reads it
    budget_param: a param of the job (see rag_instruct.dataset.refill_budget), which is noted there, too
    refilled: output, .jsonl: the new pairs of all paradigms
    rejects: output, .jsonl
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rag_instruct import cli
from rag_instruct.dataset.merging import apply_tests
from rag_instruct.dataset.quality_filters import QUALITY_FILTERS
from rag_instruct.dataset.refill_budget import note_budget
from rag_instruct.dataset.refilling import Checks, missing, open_slots, refill
from rag_instruct.jobs import job_settings
from rag_instruct.llm.prompts import load_prompt
from rag_instruct.llm.session import Session, with_teacher
from rag_instruct.logs import logger
from rag_instruct.overlap import contamination_index
from rag_instruct.paradigms import PARADIGMS, WITH_ANSWER, slots
from rag_instruct.record_files import read_records, write_records
from rag_instruct.retrieval.linked_documents import by_exemplar
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import Exemplar, Pair, Reject, Row, StoppedRow, Verdict, Weighed
from rag_instruct.synthesis.facts import facts_by_passage
from rag_instruct.synthesis.slots import Origin, Synthesis


def main(
    exemplars: Path,
    *,
    rows: list[Path],
    stopped: Path,
    verdicts: Sequence[Path] = (),
    on_verification: Literal["keep", "drop", "relabel"] = "drop",
    evidence: Path | None = None,
    on_evidence: Literal["keep", "drop", "relabel"] = "keep",
    pairs: list[Path],
    pair_rejects: list[Path],
    run: Path,
    passages: Path,
    linked: Path | None = None,
    facts: Path | None = None,
    prompts: Path,
    quotas: str,
    oversample: float,
    tries: int,
    seed: str,
    source_words: int = 0,
    no_simulation: bool = False,
    citations: bool = False,
    declining: float = 0.0,
    language: str = "en",
    quality_filters: str,
    benchmarks: Sequence[Path] = (),
    teacher: str,
    dataset: str,
    note: Path | None = None,
    budget_param: str = "",
    refilled: Path,
    rejects: Path,
    settings: Path | None = None,
    requests: int | None = None,
) -> None:
    of_sets: dict[str, dict[str, int]] = cli.json_object(quotas, "--quotas", PARADIGMS)
    filters = cli.json_object(quality_filters, "--quality-filters", QUALITY_FILTERS)
    wanted = {name: sum(counts.values()) for name, counts in of_sets.items()}
    found, left_out = apply_tests(
        (row for path in rows for row in read_records(path, Row)), wanted, read_records(stopped, StoppedRow),
        list(read_records(evidence, Weighed)) if evidence else [], on_evidence,
        [verdict for path in verdicts for verdict in read_records(path, Verdict)], on_verification,
    )  # fmt: skip
    lacking, good = missing(found, wanted, seed, left_out)
    all_slots = {name: slots(counts, oversample) for name, counts in of_sets.items()}
    opened = {
        name: open_slots(name, len(all_slots[name]), read_records(made, Pair), read_records(refused, Reject), good)
        for name, made, refused in zip(of_sets, pairs, pair_rejects, strict=True)
    }
    short = [
        name for name in of_sets if lacking[name] and not all(one.exhausted(tries) for one in opened[name].values())
    ]
    logger.info("rows missing: %s", {name: count for name, count in lacking.items() if count} or "none")

    ended: list[str] = []

    async def work(asked: Session) -> tuple[list[Pair], list[Reject]]:
        kept, hits, checked = list(read_records(exemplars, Exemplar)), Run(run, passages), filters
        checked |= {"overlaps": contamination_index(benchmarks)} if benchmarks else {}
        checks = Checks([row for part in found.values() for row in part if row.id not in left_out], checked)
        known = facts_by_passage(facts) if facts else {}
        made: list[Pair] = []
        refused: list[Reject] = []
        for name in short:
            prompt = load_prompt(prompts / f"{name}.yaml", language)
            synthesis = Synthesis(
                name, kept, hits, prompt, asked, not no_simulation, seed,
                Origin(asked.model.model, prompts.name, prompt.version), least_words=source_words,
                linked=by_exemplar(linked) if PARADIGMS[name].several else None,
                declining=declining if name in WITH_ANSWER else 0.0, citing=citations,
                facts=known,
            )  # fmt: skip
            new = await refill(synthesis, all_slots[name], opened[name], lacking[name], checks, tries)
            logger.info("%s: %d of %d missing rows refilled, %d rejects", name, len(new[0]), lacking[name], len(new[1]))
            made, refused = made + new[0], refused + new[1]
            ended.extend([name] if synthesis.out_of_budget else [])
        return made, refused

    given = job_settings(settings, requests)
    made, refused = with_teacher(teacher, dataset, "synthesis", given, refilled, work) if short else ([], [])
    write_records(refilled, made)
    write_records(rejects, refused)
    if note:
        note_budget(note, budget_param, given["datasets"][dataset]["budget"], bool(ended))


if __name__ == "__main__":
    cli.run(main)
