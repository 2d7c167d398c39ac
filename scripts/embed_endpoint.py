"""Buy the embeddings of one shard's passages from an endpoint.

    python -m scripts.embed_endpoint passages.arrow --corpus passages.json --shard 0 --shards 2 \\
        --teacher text-embedding-3-small --dataset my_data --output shard_00.npy --info shard_00.json

Args:
    passages: corpus, .arrow
    corpus: the corpus's number of passages and sha256, .json of scripts.import_passages
    shard: number of the shard, from 0
    shards: number of all shards
    output: output, .npy (float16)
    info: output, .json: which passages and encoder the embeddings belong to
"""

from pathlib import Path
from typing import Annotated

from rag_instruct import cli
from rag_instruct.jobs import job_settings
from rag_instruct.retrieval.embeddings import embed_shard
from rag_instruct.retrieval.endpoint_encoder import EndpointEncoder, with_endpoint
from rag_instruct.retrieval.endpoint_settings import EndpointEncoderSettings


def main(
    passages: Path,
    *,
    corpus: Path,
    shard: int,
    shards: int,
    encoder: Annotated[EndpointEncoderSettings, cli.Flat],
    dataset: str,
    output: Path,
    info: Path,
    settings: Path | None = None,
    requests: int | None = None,
) -> None:
    def work(model: EndpointEncoder) -> None:
        embed_shard(model, passages, corpus, shard, shards, output, info)

    with_endpoint(encoder, dataset, job_settings(settings, requests), output, work)


if __name__ == "__main__":
    cli.run(main)
