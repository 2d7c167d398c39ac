"""Keep the exemplars that a language model judges knowledge-intensive.

    python -m scripts.filter_exemplars_by_teacher drawn.jsonl --prompt resources/prompts/knowledge_intensive.yaml \\
        --a-request 10 --teacher gpt-4o --dataset rag_instruct_40k --kept kept.jsonl --dropped dropped.jsonl

Args:
    exemplars: .jsonl of scripts.draw_exemplars
    prompt: prompt, .yaml
    a_request: exemplars in one request, on average
    kept: output, .jsonl
    dropped: output, .jsonl, with reasons
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.exemplars.funnel import log_filtered
from rag_instruct.exemplars.knowledge import filter_by_teacher
from rag_instruct.jobs import job_settings
from rag_instruct.llm.prompts import load_prompt
from rag_instruct.llm.session import Session, with_teacher
from rag_instruct.record_files import read_records, write_records
from rag_instruct.schema import DroppedExemplar, Exemplar


def main(
    exemplars: Path,
    *,
    prompt: Path,
    a_request: int = 10,
    teacher: str,
    dataset: str,
    kept: Path,
    dropped: Path,
    settings: Path | None = None,
    requests: int | None = None,
) -> None:
    drawn, how = list(read_records(exemplars, Exemplar)), load_prompt(prompt)

    async def work(judge: Session) -> tuple[list[Exemplar], list[DroppedExemplar]]:
        return await filter_by_teacher(drawn, how, judge, a_request)

    useful, useless = with_teacher(teacher, dataset, "exemplar filter", job_settings(settings, requests), kept, work)
    log_filtered(useful, useless)
    write_records(kept, useful)
    write_records(dropped, useless)


if __name__ == "__main__":
    cli.run(main)
