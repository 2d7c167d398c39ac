"""Find the best passages of one shard for each query by BM25, a search by words.

    python -m scripts.search_words exemplars.jsonl --field instruction --terms shard_*.terms.arrow --shard 0 \\
        --postings shard_00.postings.npy --lengths shard_00.lengths.npy --depth 250 --output bm25_00.npy

Args:
    queries: the queries with their ids, .jsonl
    field: name of the queries' field to search for
    terms: the terms of all shards, in their order: .arrow files of scripts.index_words
    shard: number of the shard, from 0
    postings: postings of the shard, .npy
    lengths: lengths of the shard's passages, .npy
    parameters: BM25's parameters
    depth: passages for each query
    deeper: search to this depth if the corpus has that many passages
    later_depth: depth of the search that follows the paid stage; if this depth exceeds the corpus, this command fails
        before you pay
    output: output, .npy
"""

from pathlib import Path
from typing import Annotated

from rag_instruct import cli
from rag_instruct.retrieval.bm25 import Parameters, search
from rag_instruct.retrieval.depths import refuse_depth, search_depth
from rag_instruct.retrieval.queries import digest_of, read_queries, save_by_query
from rag_instruct.retrieval.terms import query_terms
from rag_instruct.retrieval.word_index import Statistics, WordShard


def main(
    queries: Path,
    *,
    field: str,
    terms: list[Path],
    shard: int,
    postings: Path,
    lengths: Path,
    parameters: Annotated[Parameters, cli.Flat] = Parameters(),  # noqa: B008
    depth: int,
    deeper: int = 0,
    later_depth: int = 0,
    output: Path,
) -> None:
    ids, texts = read_queries(queries, field)
    asked = [query_terms(text) for text in texts]
    statistics = Statistics(terms, (term for one in asked for term in one))
    refuse_depth(max(depth, later_depth), statistics.passage_count)
    k = search_depth(depth, deeper, statistics.passage_count)
    hits = search(asked, WordShard(terms[shard], postings, lengths), statistics, k, parameters)
    hits["row"] += statistics.first_rows[shard]
    save_by_query(output, hits, digest_of(ids))


if __name__ == "__main__":
    cli.run(main)
