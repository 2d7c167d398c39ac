"""Measure how well an exemplar filter, the heuristic or a teacher, agrees with labels.

    python -m scripts.assess_filter tests/data/labelled_instructions.jsonl --filter heuristic
    python -m scripts.assess_filter tests/data/labelled_instructions.jsonl --filter gpt-4o --dataset rag_instruct_40k
    python -m scripts.assess_filter tests/data/alpaca_labels.jsonl --texts alpaca_2500.json --schema alpaca

Labels are JSON lines. The label is `category`, which is "knowledge" for instructions that a filter should keep, or
`knowledge_intensive`, which is true for them. The text is `instruction`, or record number `row` (from 0) of --texts.
A teacher costs money from the data set's budget, but a rerun is free.

Args:
    labels: .jsonl, see above
    filter: heuristic, or a key of `teachers` in config.yaml
    dataset: data set whose budget pays for a teacher
    a_request: exemplars in one request to a teacher, on average
    texts: instruction set that `row` of the labels refers to
    schema: schema of --texts
"""

from collections.abc import Iterable
from pathlib import Path

from rag_instruct import cli
from rag_instruct.exemplars.assessment import assess, labelled, table
from rag_instruct.exemplars.heuristic import filter_by_heuristic
from rag_instruct.exemplars.instruction_sets import SCHEMAS, InstructionSet
from rag_instruct.exemplars.knowledge import filter_by_teacher
from rag_instruct.jobs import job_settings
from rag_instruct.llm.prompts import load_prompt
from rag_instruct.llm.session import Session, with_teacher
from rag_instruct.project import root
from rag_instruct.schema import DroppedExemplar, Exemplar


def main(
    labels: Path,
    *,
    filter: str = "heuristic",
    dataset: str = "rag_instruct_40k",
    a_request: int = 10,
    texts: Path | None = None,
    schema: str = "plain",
    settings: Path | None = None,
) -> None:
    records: Iterable[tuple[int, str]] = []
    if texts:
        records = InstructionSet([texts], "labels", SCHEMAS[cli.one_of(schema, SCHEMAS, "--schema")])
    labelled_ones = labelled(labels, records)
    exemplars = [exemplar for exemplar, _ in labelled_ones.values()]
    prompt = load_prompt(root() / "resources/prompts/knowledge_intensive.yaml")

    async def work(teacher: Session) -> tuple[list[Exemplar], list[DroppedExemplar]]:
        return await filter_by_teacher(exemplars, prompt, teacher, a_request)

    if filter == "heuristic":
        kept, dropped = filter_by_heuristic(exemplars)
    else:
        kept, dropped = with_teacher(filter, dataset, "exemplar filter", job_settings(settings), labels, work)
    print(table(filter, assess(labelled_ones, kept, dropped)))


if __name__ == "__main__":
    cli.run(main)
