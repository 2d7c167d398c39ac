"""Index one shard of a corpus for the search by words.

    python -m scripts.index_words passages.arrow --shard 0 --shards 2 --terms shard_00.terms.arrow \\
        --postings shard_00.postings.npy --lengths shard_00.lengths.npy

Args:
    passages: corpus, .arrow
    shard: number of the shard, from 0
    shards: number of all shards
    terms: output, .arrow: each term and its number of passages
    postings: output, .npy: the passages of each term
    lengths: output, .npy: the number of terms of each passage
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.retrieval.word_index import index_words


def main(passages: Path, *, shard: int, shards: int, terms: Path, postings: Path, lengths: Path) -> None:
    index_words(passages, shard, shards, terms, postings, lengths)


if __name__ == "__main__":
    cli.run(main)
