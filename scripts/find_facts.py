"""Find facts in the passages that were found for exemplars: sentences of which a part can be asked for.

    python -m scripts.find_facts kept.jsonl --run exemplars.parquet --passages passages.arrow --source-words 20 \\
        --output facts.jsonl

Args:
    exemplars: .jsonl that the exemplar filter kept
    run: search results of the exemplars, .parquet
    passages: corpus, .arrow
    source_words: least words of a source document
    linked: linked documents of the exemplars, .jsonl of scripts.link_documents
    output: output, .jsonl
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.logs import logger
from rag_instruct.record_files import read_records, write_records
from rag_instruct.retrieval.linked_documents import by_exemplar
from rag_instruct.retrieval.runs import Run
from rag_instruct.schema import Exemplar
from rag_instruct.synthesis.reading import find_facts
from rag_instruct.synthesis.search_results import SearchResults


def main(
    exemplars: Path, *, run: Path, passages: Path, source_words: int, linked: Path | None = None, output: Path
) -> None:
    hits, near = Run(run, passages), by_exemplar(linked) or {}
    found = {
        passage.id: passage
        for exemplar in read_records(exemplars, Exemplar)
        for passage in SearchResults.of(hits, exemplar.id, near.get(exemplar.id, ()), source_words).ranked
    }
    facts = list(find_facts(found.values()))
    write_records(output, facts)
    count = sum(fact.asks != "link" for one in facts for fact in one.facts)
    logger.info("%d facts that can be asked for, in %d of %d passages", count, len(facts), len(found))


if __name__ == "__main__":
    cli.run(main)
