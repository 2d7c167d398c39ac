"""Merge the chunks of a paradigm's pairs and drop repeated questions.

    python -m scripts.gather_pairs chunk_*.jsonl --chunk-rejects chunk_*.rejects.jsonl --slots 8160 \\
        --pairs pairs.jsonl --rejects rejects.jsonl

Args:
    chunks: pairs, .jsonl of scripts.synthesise, in the order of the chunks
    chunk_rejects: rejects of the same chunks, .jsonl
    slots: number of row slots of all chunks
    pairs: output, .jsonl
    rejects: output, .jsonl: all rejects, with reasons
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.dataset.gathering import gather
from rag_instruct.logs import logger
from rag_instruct.record_files import read_records, write_records
from rag_instruct.schema import Pair, Reject


def main(chunks: list[Path], *, chunk_rejects: list[Path], slots: int, pairs: Path, rejects: Path) -> None:
    found, repeated = gather([read_records(path, Pair) for path in chunks], slots)
    logger.info("%d pairs for %d slots, %d repeated questions left out", len(found), slots, len(repeated))
    write_records(pairs, found)
    write_records(rejects, [*(reject for path in chunk_rejects for reject in read_records(path, Reject)), *repeated])


if __name__ == "__main__":
    cli.run(main)
