"""Locks as network file systems make them."""

import fcntl

from rag_instruct.lock import hold


def test_a_locks_file_can_be_read_and_written(tmp_path):
    """NFS makes of each a lock of a byte range, for which a shared one has to be readable and another writable."""
    with hold(tmp_path / "lock", wait=False, shared=True) as file:
        fcntl.lockf(file, fcntl.LOCK_SH)
        fcntl.lockf(file, fcntl.LOCK_EX)
