"""Say how well a filter of exemplars, the heuristic or a teacher, agrees with labels.

    python -m scripts.assess_filter tests/data/labelled_instructions.jsonl --filter heuristic
    python -m scripts.assess_filter tests/data/labelled_instructions.jsonl --filter gpt-4o --dataset rag_instruct_40k
    python -m scripts.assess_filter tests/data/alpaca_labels.jsonl --texts alpaca_2500.json --schema alpaca

Labels are JSON lines with `category` ("knowledge" is what a filter keeps), or `knowledge_intensive`, and `instruction`,
or `row`, which counts the records of --texts from 0. A teacher is paid from the data set's budget, and not twice.

Args:
    filter: heuristic, or a key of `teachers`
    dataset: whose budget pays for a teacher
    a_request: exemplars in one request, on average
    texts: the file whose rows are labelled
    settings: the graph's resolved settings; left out, config.yaml
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
