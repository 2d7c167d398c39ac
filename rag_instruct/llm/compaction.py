"""Compaction of the store of answers: many segments become one."""

import os
import time
import uuid
from pathlib import Path

from rag_instruct.errors import UserError
from rag_instruct.files import dump, whole
from rag_instruct.llm.answers import IN_USE
from rag_instruct.llm.segments import identity, records_from, segments
from rag_instruct.lock import hold
from rag_instruct.logs import logger

QUIET = 60  # seconds since the last write to a segment, before it is compacted


def compact(folder: Path, drop_failures: bool = False) -> tuple[int, int]:
    """Join the segments without torn lines and repeated keys; how many segments there were, and records there are.

    Segments that were written to lately stay as they are. `drop_failures` forgets refusals, so that
    their requests are asked again. Raises UserError while a job uses the store.
    """
    held = hold(folder / IN_USE, wait=False)
    if held is None:
        raise UserError(f"{folder}: a job is using the answers: compact them when the job has ended")
    with held:
        # A job of another node, whose locks may not be seen here, may be writing.
        every = [folder / name for name, _ in segments(folder)]
        old = [path for path in every if path.stat().st_mtime < time.time() - QUIET]
        if len(old) < len(every):
            logger.warning("%d segments changed within a minute and stay as they are", len(every) - len(old))
        return (len(old), _joined(folder, old, drop_failures)) if old else (0, 0)


def _joined(folder: Path, old: list[Path], drop_failures: bool) -> int:
    # Sorts before all others: should a kill leave old segments behind, the same record of a key still counts.
    new = folder / f"0-{uuid.uuid4().hex[:12]}.jsonl"
    seen: set[str] = set()
    with whole(new) as temporary, temporary.open("wb") as file:
        for path in old:
            for _, record in records_from(path, 0):
                if record and identity(record) not in seen and not (drop_failures and "failure" in record):
                    seen.add(identity(record))
                    file.write(dump(record).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    for path in old:
        path.unlink()
    return len(seen)
