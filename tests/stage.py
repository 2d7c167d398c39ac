"""The synthesis stage as a command, over the demo's passages, against a server of tests/faulty.py."""

import json
import os
from pathlib import Path

import forked
import yaml
from conftest import ROOT

from rag_instruct.corpus.importing import import_passages
from rag_instruct.files import digest, write_jsonl
from rag_instruct.jobs import job_settings, write_settings
from rag_instruct.retrieval.foreign_runs import import_run

KEY = "sk-secret-of-the-tests-0123456789"
EXEMPLARS, DEPTH = 100, 8
PARADIGM = "single_doc_answer"


def prepare(folder):
    """Passages, exemplars and the exemplars' run."""
    folder.mkdir(parents=True, exist_ok=True)
    import_passages(ROOT / "resources/demo/passages.tsv", {}, None, folder / "passages.arrow", folder / "passages.json")
    count = json.loads((folder / "passages.json").read_text())["passages"]
    exemplars = [
        {
            "id": f"e:{n}",
            "source": "e",
            "row": n,
            "license": "CC0-1.0",
            "instruction": f"What makes number {n} special?",
        }
        for n in range(EXEMPLARS)
    ]
    write_jsonl(folder / "exemplars.jsonl", exemplars)
    lines = []
    for exemplar in exemplars:
        order = sorted(range(1, count + 1), key=lambda number: digest(exemplar["id"], number))[:DEPTH]
        lines += [f"{exemplar['id']} Q0 {number} {rank} {1 / rank} test" for rank, number in enumerate(order, start=1)]
    (folder / "run.trec").write_text("\n".join(lines) + "\n")
    ids = [exemplar["id"] for exemplar in exemplars]
    import_run(folder / "run.trec", DEPTH, ids, folder / "passages.arrow", folder / "run.parquet", folder / "own.trec")


def settings(url, answers, budget=None, **teacher):
    """The file in which the graph hands its settings to its jobs."""
    described = {"model": "m", "base_url": url, "key_variable": "TEST_KEY", "sampling": {"temperature": 0}, **teacher}
    described = {
        "price": {"input": 2.0, "output": 10.0},
        "concurrency": 8,
        "timeout": 3,
        "poll_seconds": 0.1,
        **described,
    }
    given = {
        "teachers": {"t": described},
        "datasets": {"set": {"budget": budget or {}}, "ablation": {"budget": {}}},
        "answers": str(answers),
        "prices": str(ROOT / "resources/prices.yaml"),
    }
    return write_settings(given, answers.parent / "settings")


def environment():
    """What the jobs of a graph see."""
    return os.environ | {"TEST_KEY": KEY, "PYTHONPATH": str(ROOT)}


class Stage:
    """One chunk's synthesis."""

    def __init__(
        self, material: Path, folder: Path, settings: Path, chunk=0, chunks=1, slots=40, tries=2, data_set="set"
    ):
        self.folder, self.environment = folder, environment()
        folder.mkdir(exist_ok=True)
        self.answers = Path(job_settings(settings)["answers"])
        self.pairs = folder / f"chunk_{chunk}.jsonl"
        self.rejects = folder / f"chunk_{chunk}.rejects.jsonl"
        prompt = ROOT / f"resources/prompts/full/{PARADIGM}.yaml"
        arguments = f"{material}/exemplars.jsonl --run {material}/run.parquet --passages {material}/passages.arrow --prompt {prompt}"
        arguments += f" --paradigm {PARADIGM} --quotas *={slots} --oversample 0 --chunk {chunk} --chunks {chunks} --tries {tries} --seed 1"
        arguments += (
            f" --teacher t --dataset {data_set} --pairs {self.pairs} --rejects {self.rejects} --log {folder}/log"
            f" --settings {settings}"
        )
        self.arguments = arguments.split()

    def start(self):
        """The stage under way."""
        return forked.start("scripts.synthesise", self.arguments, ROOT, self.environment)

    def run(self):
        """Its exit status and what it said."""
        job = self.start()
        said = job.communicate()[0]
        return job.returncode, said

    def result(self):
        """The bytes of pairs and rejects."""
        return self.pairs.read_bytes(), self.rejects.read_bytes()

    def rows(self):
        return [[json.loads(line) for line in part.splitlines()] for part in self.result()]


def reasons(rejects):
    return sorted({yaml.safe_dump(row["reason"]).split("\n")[0] for row in rejects})
