"""Locks as network file systems make them."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from rag_instruct.lock import Claims, hold


def test_a_locks_file_can_be_read_and_written(tmp_path):
    """NFS makes of each a lock of a byte range, for which a shared one has to be readable and another writable."""
    with hold(tmp_path / "lock", wait=False, shared=True) as file:
        fcntl.lockf(file, fcntl.LOCK_SH)
        fcntl.lockf(file, fcntl.LOCK_EX)


def taken_elsewhere(folder, *keys):
    """Which keys another process can claim."""
    code = "import sys\nfrom pathlib import Path\nfrom rag_instruct.lock import Claims\n"
    code += "claims = Claims(Path(sys.argv[1]))\nprint(*(key for key in sys.argv[2:] if claims.take(key)))"
    ran = subprocess.run([sys.executable, "-c", code, folder, *keys], cwd=ROOT, stdout=-1, text=True, check=True)
    return ran.stdout.split()


ONE, OTHER = (f"{number:015x}00" for number in (1, 2))  # both in one file


def test_two_sessions_of_a_process_have_one_claim_on_a_key(tmp_path, monkeypatch):
    """Threads of a notebook, whatever they call the folder."""
    monkeypatch.chdir(tmp_path)
    first, second = Claims(tmp_path / "claims"), Claims(Path("claims"))
    assert first.take(ONE)
    assert not second.take(ONE)
    second.drop(ONE)
    assert not second.take(ONE), "only its holder drops it"
    first.drop(ONE)
    assert second.take(ONE)


@pytest.mark.slow
def test_a_session_that_ends_drops_no_claims_of_another(tmp_path):
    """The kernel would: a closed file takes all locks of the process on it along."""
    first, second = Claims(tmp_path), Claims(tmp_path)
    assert first.take(ONE)
    assert second.take(OTHER)
    second.close()
    assert taken_elsewhere(tmp_path, ONE, OTHER) == [OTHER]
    first.close()
    assert taken_elsewhere(tmp_path, ONE, OTHER) == [ONE, OTHER]


def test_closed_claims_hold_no_file_open(tmp_path):
    before = len(list(Path("/proc/self/fd").iterdir()))
    claims = Claims(tmp_path)
    assert all(claims.take(f"{0:015x}{number:02x}") for number in range(64))
    claims.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
