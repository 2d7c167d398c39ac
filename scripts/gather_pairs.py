"""Gather the chunks of a paradigm, without repeated questions.

    python -m scripts.gather_pairs chunk_*.jsonl --chunk-rejects chunk_*.rejects.jsonl --slots 8160 \\
        --pairs pairs.jsonl --rejects rejects.jsonl
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.dataset.merging import gather
from rag_instruct.files import read_jsonl, write_jsonl
from rag_instruct.logs import logger


def main(chunks: list[Path], *, chunk_rejects: list[Path], slots: int, pairs: Path, rejects: Path) -> None:
    found, repeated = gather([list(read_jsonl(path)) for path in chunks], slots)
    logger.info("%d pairs for %d slots, %d repeated questions left out", len(found), slots, len(repeated))
    write_jsonl(pairs, found)
    write_jsonl(rejects, [*(row for path in chunk_rejects for row in read_jsonl(path)), *repeated])


if __name__ == "__main__":
    cli.run(main)
