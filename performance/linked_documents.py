"""Measure how many instructions get linked documents from a corpus, and show some sets to read.

    python -m performance.linked_documents results/corpora/notes instructions.jsonl --show 40 2> /dev/null

The corpus is a folder of the workflow, with vectors of an encoder of config.yaml. Each line of the instructions has
`instruction` or `example_question`. We leave out those that the exemplar heuristic drops. The workflow's functions find
the documents, but we search one query at a time.
"""

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from performance.measure import machine, peak_memory_mb
from rag_instruct.exemplars.heuristic import drop_reason
from rag_instruct.files import digest, read_jsonl
from rag_instruct.project import root
from rag_instruct.retrieval.encoder import EncoderSettings
from rag_instruct.retrieval.linked_documents import first_documents, linked_documents
from rag_instruct.retrieval.passage_index import PassageIndex
from rag_instruct.retrieval.runs import Hit, Run
from rag_instruct.schema import FirstDocument, LinkedDocuments
from rag_instruct.settings.config import read_config
from rag_instruct.synthesis.focus import linked_focuses
from rag_instruct.synthesis.search_results import SearchResults

WORDS = 20  # of a source document
NAME = "x"  # the id of the only query of a run


class OneQuery:
    """A run of one query."""

    def __init__(self, hits: list[Hit], index: PassageIndex) -> None:
        self._hits, self.store = hits, index.store

    def hits(self, query: str) -> list[Hit]:
        return self._hits


def main(arguments: argparse.Namespace) -> None:
    encoder = read_config(root())["encoders"][arguments.encoder]
    index = PassageIndex(arguments.corpus, arguments.encoder, EncoderSettings(**encoder))
    texts = [line.get("instruction") or line["example_question"] for line in read_jsonl(arguments.instructions)]
    kept = [text for text in texts if drop_reason(text) is None]
    print(f"{machine()}; {len(index.store):,} passages, {len(kept)} of {len(texts)} instructions kept\n")
    runs = [cast(Run, OneQuery(index.best(text, arguments.source_depth), index)) for text in kept]
    linking = Linking(index, arguments.depth)
    print("| first documents | instructions with a linked set | first documents in all |\n|---:|---:|---:|")
    for count in arguments.first_documents:
        found = [list(linking.of(run, count)) for run in runs]
        distinct = {document.row for run in runs for document in first_documents([NAME], run, WORDS, count)}
        print(f"| {count} | {sum(map(bool, found))} ({sum(map(bool, found)) / len(kept):.0%}) | {len(distinct)} |")
    each = 1000 * linking.seconds / len(linking.known)
    print(f"\nlinking: {each:.0f} ms of one core per first document, with {arguments.depth} near passages")
    print(f"peak memory {peak_memory_mb():,.0f} MB\n")
    show(list(zip(kept, runs, found, strict=True)), arguments.show)


class Linking:
    """Finds linked documents, and remembers them. `seconds` of the processor went into the linking."""

    def __init__(self, index: PassageIndex, depth: int) -> None:
        self._index, self._depth = index, depth
        self.known: dict[int, LinkedDocuments] = {}
        self.seconds = 0.0

    def of(self, run: Run, count: int) -> Iterator[LinkedDocuments]:
        """Yield the first documents of an exemplar that have linked ones."""
        for document in first_documents([NAME], run, WORDS, count):
            if document.row not in self.known:
                self.known[document.row] = self._linked(document)
            if self.known[document.row].linked:
                yield self.known[document.row]

    def _linked(self, document: FirstDocument) -> LinkedDocuments:
        near = cast(Run, OneQuery(self._index.nearest(document.row, self._depth), self._index))
        begin = time.process_time()
        (linked,) = linked_documents([document], near, WORDS)
        self.seconds += time.process_time() - begin
        return linked


def show(found: list[tuple[str, Run, list[LinkedDocuments]]], count: int) -> None:
    """Print the first set of some instructions, which a digest chooses, and count the sets by their size and link."""
    sizes: Counter[str] = Counter()
    for number, (text, run, linked) in enumerate(sorted(found, key=lambda one: digest(one[0])), start=1):
        focus = next(linked_focuses("multi_doc_answer", SearchResults.of(run, NAME, linked, WORDS), text), None)
        sizes[f"{len(focus.sources)} documents, by {focus.links[0].kind}" if focus else "none"] += 1
        if focus and number <= count:
            print(f"=== {' '.join(text.split())[:120]}")
            for passage in focus.sources:
                print(f"  * {' '.join(passage.document.split())[:300]}")
            for link in focus.links:
                print(f"    - {link.naming} names {link.named} ({link.kind}): {link.words}")
    print(dict(sizes.most_common()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("instructions", type=Path)
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--source-depth", type=int, default=10)
    parser.add_argument("--depth", type=int, default=400)
    parser.add_argument("--first-documents", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--show", type=int, default=0)
    main(parser.parse_args())
