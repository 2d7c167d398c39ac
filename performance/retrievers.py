"""Compare retrievers on real questions: by vectors, by words, by both, and by both with a trained cross-encoder.

    python -m performance.retrievers passages.tsv questions.jsonl FOLDER

The inputs are those of performance.recall. FOLDER keeps what is made, so that a second run only measures. The
cross-encoder is tiny: the first layers of the demo's encoder with a score, trained here on these questions. There are
two of them. Each learns from the questions about one half of the articles, and reranks those about the other half.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from performance.measure import machine
from performance.recall import ENCODER
from rag_instruct.corpus.importing import import_passages
from rag_instruct.corpus.passages import Passage, PassageStore
from rag_instruct.evaluation.retrievers import COLUMNS, measurements
from rag_instruct.files import digest, read_jsonl
from rag_instruct.logs import progress
from rag_instruct.models.source import model_source
from rag_instruct.retrieval import bm25, search
from rag_instruct.retrieval.embeddings import embed_shard
from rag_instruct.retrieval.encoder import Encoder
from rag_instruct.retrieval.fusion import fuse_runs
from rag_instruct.retrieval.reranker import Reranker, RerankerSettings, rerank_run
from rag_instruct.retrieval.runs import Run, write_run
from rag_instruct.retrieval.terms import query_terms
from rag_instruct.retrieval.vectors import VectorFile
from rag_instruct.retrieval.word_index import Statistics, WordShard, index_words
from rag_instruct.schema import Question

K = 100
LONGEST = 192  # tokens of a question and a passage
TOGETHER = 8  # questions of a training step
OTHERS = 3  # passages without the answer beside each passage with it, of the first BEFORE of a run
BEFORE = 20
RATE = 2e-4


def main(arguments: argparse.Namespace) -> None:
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    passages = folder / "passages.arrow"
    if not passages.exists():
        import_passages(arguments.passages, {}, 0, passages, folder / "passages.json")
    records = [{**record, "id": f"{record['dataset']}_{n}"} for n, record in enumerate(read_jsonl(arguments.questions))]
    store = PassageStore(passages)
    by_id = {passage.id: passage for passage in store.slice(0, len(store))}
    search_words(folder, store, records)
    halves = _halves(records, by_id)
    learned = [half[: arguments.learn] for half in halves]
    halves = [half[: arguments.asked] for half in halves]
    chosen = {record["id"] for half in halves for record in half}
    records = [record for record in records if record["id"] in chosen]
    print(f"{machine()}; {len(store):,} passages, {len(records):,} questions\n")
    for half in (0, 1):
        model = folder / f"reranker_{half}"
        if not model.exists():
            train(model, learned[1 - half], Run(folder / "bm25.parquet", passages), by_id, arguments.layers)
    search_vectors(folder, store, records)
    fuse_runs(
        [Run(folder / f"{name}.parquet", passages) for name in ("dense", "bm25")],
        K,
        _ids(records),
        *_of(folder, "hybrid"),
    )
    for half, asked in enumerate(halves):
        model = folder / f"reranker_{half}"
        if not (folder / f"reranked_{half}.parquet").exists():
            rerank(model, folder, passages, asked, half, arguments.first)
    report(folder, passages, records, halves, arguments)


def _of(folder: Path, run: str) -> tuple[Path, Path]:
    return folder / f"{run}.parquet", folder / f"{run}.trec"


def _ids(records: Sequence[dict[str, Any]]) -> list[str]:
    return [record["id"] for record in records]


def search_words(folder: Path, store: PassageStore, records: Sequence[dict[str, Any]]) -> None:
    """Write the run bm25, unless it is there."""
    if (folder / "bm25.parquet").exists():
        return
    files = [folder / name for name in ("terms.arrow", "postings.npy", "lengths.npy")]
    index_words(folder / "passages.arrow", 0, 1, *files)
    asked = [query_terms(record["question"]) for record in records]
    statistics = Statistics(files[:1], (term for one in asked for term in one))
    found = bm25.search(asked, WordShard(*files), statistics, K, bm25.Parameters())
    write_run([found], _ids(records), store, *_of(folder, "bm25"))


def search_vectors(folder: Path, store: PassageStore, records: Sequence[dict[str, Any]]) -> None:
    """Write the run dense, unless it is there."""
    if (folder / "dense.parquet").exists():
        return
    encoder, vectors = Encoder(ENCODER), folder / "vectors.npy"
    if not vectors.exists():
        embed_shard(
            encoder, folder / "passages.arrow", folder / "passages.json", 0, 1, vectors, folder / "vectors.json"
        )
    queries = encoder.encode([record["question"] for record in records], "embedding questions")
    write_run([search.search(queries, VectorFile(vectors), K)], _ids(records), store, *_of(folder, "dense"))


def _halves(records: Sequence[dict[str, Any]], by_id: dict[str, Passage]) -> list[list[dict[str, Any]]]:
    """Share the questions by the article of their first gold passage, in an order without a pattern."""
    halves: list[list[dict[str, Any]]] = [[], []]
    for record in sorted(records, key=lambda record: digest(record["id"])):
        halves[int(digest(by_id[record["gold"][0]].title)[:8], 16) % 2].append(record)
    return halves


def train(folder: Path, records: Sequence[dict[str, Any]], run: Run, by_id: dict[str, Passage], layers: int) -> None:
    """Train a cross-encoder to give the passage with the answer the highest score of some near passages."""
    torch.manual_seed(0)
    source = model_source(ENCODER.model)
    words = AutoTokenizer.from_pretrained(source)
    model = AutoModelForSequenceClassification.from_pretrained(source, num_labels=1, num_hidden_layers=layers)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    steps = -(-len(records) // TOGETHER)
    plan = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min((step + 1) / (0.1 * steps), 1 - step / steps))
    model.train()
    for step in progress(range(steps), f"training {folder.name}", steps):
        part = records[step * TOGETHER : (step + 1) * TOGETHER]
        pairs = [pair for record in part for pair in _pairs(record, run, by_id)]
        tokens = words(pairs, truncation=True, max_length=LONGEST, padding=True, return_tensors="pt")
        scores = model(**tokens).logits.view(len(part), 1 + OTHERS)
        loss = torch.nn.functional.cross_entropy(scores, torch.zeros(len(part), dtype=torch.long))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        plan.step()
    model.save_pretrained(folder)
    words.save_pretrained(folder)


def _pairs(record: dict[str, Any], run: Run, by_id: dict[str, Passage]) -> list[list[str]]:
    """Return the question with a gold passage, and then with other near ones."""
    random = np.random.default_rng(int(digest(record["id"])[:8], 16))
    rows = run.ranking(record["id"])["row"][: BEFORE + len(record["gold"])]
    near = [passage for passage in run.store[rows] if passage.id not in record["gold"]]
    chosen = [by_id[record["gold"][0]], *(near[place] for place in random.choice(len(near), OTHERS, replace=False))]
    return [[record["question"], f"{passage.title} {passage.text}"] for passage in chosen]


def rerank(model: Path, folder: Path, passages: Path, asked: Sequence[dict[str, Any]], half: int, first: int) -> None:
    """Rerank the first passages of the questions of one half by the graph's own reranker."""
    ids, texts = ([record[name] for record in asked] for name in ("id", "question"))
    paths = folder / f"reranked_{half}.parquet", folder / f"reranked_{half}.trec"
    run = Run(folder / "hybrid.parquet", passages)
    rerank_run(Reranker(RerankerSettings(str(model), max_length=LONGEST)), run, ids, texts, first, K, *paths)


class _Joined:
    """The reranked runs of both halves as one."""

    def __init__(self, runs: Sequence[Run], halves: Sequence[Sequence[dict[str, Any]]]) -> None:
        self.store = runs[0].store
        self._run_of = {record["id"]: run for run, half in zip(runs, halves, strict=True) for record in half}

    def ranking(self, query: str) -> np.ndarray:
        return self._run_of[query].ranking(query)


def report(
    folder: Path, passages: Path, records: Sequence[dict[str, Any]], halves: Any, arguments: argparse.Namespace
) -> None:
    """Print a table for each data set."""
    runs: dict[str, Any] = {name: Run(folder / f"{name}.parquet", passages) for name in ("dense", "bm25", "hybrid")}
    joined = _Joined([Run(folder / f"reranked_{half}.parquet", passages) for half in (0, 1)], halves)
    runs[f"hybrid, {arguments.first} reranked"] = joined
    for dataset in dict.fromkeys(record["dataset"] for record in records):
        questions = [
            Question(one["id"], one["question"], tuple(one["answers"]), gold_passage_ids=tuple(one["gold"]))
            for one in records
            if one["dataset"] == dataset
        ]
        print(f"| {dataset}, {len(questions):,} questions | {' | '.join(COLUMNS)} |\n|---|{'---:|' * len(COLUMNS)}")
        for name, run in runs.items():
            found = {one.measure: one for one in measurements(dataset, questions, name, run)}
            print(f"| {name} | {' | '.join(_cells(found))} |", flush=True)
        print()


def _cells(found: dict[str, Any]) -> Iterator[str]:
    for name in COLUMNS:
        yield f"{found[name].value:.1f} ({found[name].low:.1f}-{found[name].high:.1f})"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("passages", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layers", type=int, default=2, help="of the cross-encoder")
    parser.add_argument("--learn", type=int, default=1500, help="questions that each cross-encoder learns from")
    parser.add_argument("--asked", type=int, default=None, help="questions of each half; default: all")
    parser.add_argument("--first", type=int, default=5, help="passages that are reranked")
    main(parser.parse_args())
