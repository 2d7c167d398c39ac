"""A SLURM cluster on one machine, to try profiles/slurm on and to test it: Debian's own slurmctld, slurmd and munge.

As root:  python tests/slurm.py          (apt-get install slurmctld slurmd slurm-client munge)

Each node is a slurmd with processes, host name and /etc/hosts of its own (namespaces), so that it can fail like a machine:
with all that runs on it. Processors, memory and GPUs are what the configuration says, not what the machine has. The
configuration has to lie in /etc/slurm, because jobs look for it there; a SLURM that is set up there already is left alone.
"""

import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PLACE = Path("/etc/slurm")
MARK = "# Written by tests/slurm.py, and removed at its end."
CPUS, MEMORY = 4, 16000  # of a node
GPUS = ["/dev/null", "/dev/zero"]  # files that are there everywhere

SETTINGS = """{mark}
ClusterName=tests
SlurmctldHost=localhost
SlurmctldPort=16817
SlurmUser=root
AuthType=auth/munge
# cred_expire: a job of a node that failed starts again after as many seconds (120 by itself).
AuthInfo=socket={folder}/munge.socket,cred_expire=10
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
# Memory without cgroups, which containers lack: a job that is over it is found by polling, and ended.
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0
SlurmdParameters=config_overrides
SlurmdTimeout=10
ReturnToService=2
KillWait=10
GresTypes=gpu
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE
"""
NODE = "NodeName={name} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} RealMemory={memory} Gres=gpu:{gpus}"


class Cluster:
    """A running cluster. Nodes are called node1, node2, ..."""

    def __init__(self, folder: Path, nodes: int) -> None:
        self.folder = folder
        self.nodes = [f"node{number}" for number in range(1, nodes + 1)]
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def configure(self) -> None:
        """Write the configuration; refuse to touch somebody else's."""
        PLACE.mkdir(exist_ok=True)
        path = PLACE / "slurm.conf"
        if path.exists() and MARK not in path.read_text():
            raise SystemExit(f"{path} is another cluster's: nothing was started")
        sizes = {"cpus": CPUS, "memory": MEMORY, "gpus": len(GPUS)}
        nodes = [NODE.format(name=name, port=16818 + n, **sizes) for n, name in enumerate(self.nodes, start=1)]
        path.write_text(SETTINGS.format(mark=MARK, folder=self.folder, nodes="\n".join(nodes)))
        gpus = "\n".join(f"NodeName={','.join(self.nodes)} Name=gpu File={file}" for file in GPUS)
        (PLACE / "gres.conf").write_text(f"{MARK}\n{gpus}\n")
        (self.folder / "hosts").write_text("127.0.0.1 localhost " + " ".join(self.nodes) + "\n")
        self.folder.chmod(0o755)  # munge's socket is for everybody
        (self.folder / "munge.key").write_bytes(bytes(1024))
        (self.folder / "munge.key").chmod(0o600)

    def start(self) -> None:
        place = self.folder
        files = [f"--{kind}-file={place}/munge.{kind}" for kind in ("key", "pid", "log", "seed")]
        self._run("munged", "munged", "--foreground", f"--socket={place}/munge.socket", *files)
        self._wait(lambda: (place / "munge.socket").exists(), "munged")
        self._run("slurmctld", "slurmctld", "-D", "-c")
        self._wait(lambda: self.state("node1"), "slurmctld")
        for name in self.nodes:
            self.start_node(name)
        for name in self.nodes:
            self.wait_for(name, "idle")

    def start_node(self, name: str) -> None:
        setup = f"hostname {name} && mount --bind {self.folder}/hosts /etc/hosts && exec slurmd -D -N {name}"
        own = ["--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        self._run(name, "unshare", *own, "sh", "-c", setup)

    def fail_node(self, name: str) -> None:
        """As by a power cut: everything on it is gone."""
        self._end(name, signal.SIGKILL)

    def state(self, name: str) -> str:
        command = ["sinfo", "--noheader", "--nodes", name, "--format", "%T"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()

    def wait_for(self, name: str, state: str) -> None:
        self._wait(lambda: self.state(name).startswith(state), f"{name} is not {state}")

    def _wait(self, condition: Callable[[], object], what: str) -> None:
        end = time.monotonic() + 60
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"{what}: see {self.folder}")
            time.sleep(0.1)

    def stop(self) -> None:
        for name in reversed(list(self._running)):
            self._end(name, signal.SIGKILL if name in self.nodes else signal.SIGTERM)
        for name in ("slurm.conf", "gres.conf"):
            path = PLACE / name
            if path.exists() and MARK in path.read_text():
                path.unlink()

    def _run(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _end(self, name: str, number: int) -> None:
        process = self._running.pop(name)
        process.send_signal(number)
        process.wait(30)


@contextmanager
def cluster(nodes: int = 2) -> Iterator[Cluster]:
    """A cluster that runs as long as the context."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm_")))
        made = Cluster(folder, nodes)
        made.configure()
        stack.callback(made.stop)
        made.start()
        yield made


if __name__ == "__main__":
    if missing := [name for name in ("munged", "slurmctld", "slurmd", "sbatch", "unshare") if not shutil.which(name)]:
        raise SystemExit(f"{missing[0]} is not here: apt-get install slurmctld slurmd slurm-client munge")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit())
    with cluster() as running:
        print(f"{', '.join(running.nodes)} are up; logs in {running.folder}. Ctrl-C ends them.", flush=True)
        signal.pause()
