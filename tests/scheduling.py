"""Which worker runs which tests: a file's tests together, and a run that ends also after a worker has died."""

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

# Tests of a file share what it builds, and so a worker; these two files do, too. Those of the last are spread.
TOGETHER = dict.fromkeys(["test_training.py", "test_launch.py"], "training")
APART = ["test_paid_stages.py", "test_client.py"]


class ByFile(LoadScopeScheduling):
    """Tests by file; loadgroup's marks have no effect with pytest 9.2.

    xdist 3.8 waits for ever after a worker has died: it gives out again what the worker had finished, as units without
    a test, and to a new worker one test alone, which the worker begins only when it knows the next one.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0].rpartition("/")[2]
        return nodeid if file in APART else TOGETHER.get(file, file)

    def remove_node(self, node: WorkerController) -> str | None:
        died_in = super().remove_node(node)
        for unit in self.workqueue.values():
            if died_in in unit:
                unit[died_in] = True  # it is reported as failed, and would take the next worker along
        for scope in [scope for scope, unit in self.workqueue.items() if all(unit.values())]:
            del self.workqueue[scope]
        return died_in

    def _reschedule(self, node: WorkerController) -> None:
        super()._reschedule(node)
        while self.workqueue and not node.shutting_down and self._pending_of(self.assigned_work[node]) < 2:
            self._assign_work_unit(node)
        if not self.workqueue and self._pending_of(self.assigned_work[node]) < 2:
            node.shutdown()
