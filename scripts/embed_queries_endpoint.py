"""Buy the embeddings of one field of a .jsonl file from an endpoint.

    python -m scripts.embed_queries_endpoint exemplars.jsonl --field instruction --teacher text-embedding-3-small \\
        --dataset my_data --output queries.npy

Args:
    rows: .jsonl with ids
    field: name of the field to encode
    output: output, .npy
"""

from pathlib import Path
from typing import Annotated

from rag_instruct import cli
from rag_instruct.jobs import job_settings
from rag_instruct.retrieval.endpoint_encoder import with_endpoint
from rag_instruct.retrieval.endpoint_settings import EndpointEncoderSettings
from rag_instruct.retrieval.queries import digest_of, read_queries, save_by_query


def main(
    rows: Path,
    *,
    field: str,
    encoder: Annotated[EndpointEncoderSettings, cli.Flat],
    dataset: str,
    output: Path,
    settings: Path | None = None,
    requests: int | None = None,
) -> None:
    ids, texts = read_queries(rows, field)
    vectors = with_endpoint(
        encoder,
        dataset,
        job_settings(settings, requests),
        output,
        lambda model: model.encode(texts, "embedding queries"),
    )
    save_by_query(output, vectors, digest_of(ids))


if __name__ == "__main__":
    cli.run(main)
