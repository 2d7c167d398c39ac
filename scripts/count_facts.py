"""Count the facts that compact prompts can ask about. Refuse a corpus without any before the first request.

    python -m scripts.count_facts passages.arrow --corpus notes --rows 15 --output usable_facts.json

Args:
    passages: corpus, .arrow
    corpus: name of the corpus, for the message
    rows: rows that the data set wants
    output: output, .json
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.corpus.passages import PassageStore
from rag_instruct.files import write_json
from rag_instruct.synthesis.usable import A_ROW, count_usable, tell_usable


def main(passages: Path, *, corpus: str, rows: int, output: Path) -> None:
    store = PassageStore(passages)
    found = count_usable(store.slice(0, len(store)), A_ROW * rows)
    tell_usable(corpus, found, rows)
    write_json(output, {**found._asdict(), "wanted": rows})


if __name__ == "__main__":
    cli.run(main)
