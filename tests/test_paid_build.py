"""A whole data set by Snakemake with a teacher behind HTTP: filter, synthesis, verification, budget, ledger and card."""

import json
import re

import pyarrow.parquet as pq
import pytest
from conftest import Project, plan
from faulty import Running
from stage import KEY

from rag_instruct.corpus.passages import PassageStore
from rag_instruct.files import read_jsonl
from rag_instruct.llm.answers import AnswerStore

pytestmark = pytest.mark.slow
CARD = "results/paid/hub/README.md"
BUDGET = 45


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The project, what its two runs said (the first stopped by the budget), and the server's bill."""
    project = Project(tmp_path_factory.mktemp("paid"))
    passages = project.folder / "resources/demo/passages.tsv"
    passages.write_text("".join(passages.read_text("utf-8").splitlines(keepends=True)[:101]), "utf-8")
    project.edit("config.yaml", "passages.tsv}\n    shards: 2", "passages.tsv}\n    shards: 1")
    with Running("--faults", 0.2, "--latency", 0.02) as served:
        rows = dict.fromkeys(["multi_doc_support", "single_doc_answer", "multi_doc_answer"], 5)
        verification = {"share": 1, "judge": "remote", "failing": "drop"}
        asked = {
            "paradigms": rows,
            "oversample": 0.4,
            "chunks": 2,
            "verification": verification,
            "refill": False,  # the counts below are those of one pass
            "budget": {"requests": BUDGET},
        }
        project.pay(served.base_url, asked, {"price": {"input": 2.0, "output": 10.0}, "timeout": 2})
        stopped = project.snakemake("--cores", "2", "--", CARD, TEST_KEY=KEY, OPENAI_LOG="debug")
        bill_at_stop = served.bill()
        project.edit("config.yaml", f'"requests": {BUDGET}', '"requests": 5000')
        done = project.snakemake("--cores", "2", "--", CARD, TEST_KEY=KEY)
        assert done.returncode == 0, done.stdout[-3000:]
        yield project, stopped, bill_at_stop, done, served.bill()


def test_the_budget_stops_the_build_and_the_rest_is_bought_later(built):
    _, stopped, bill_at_stop, _, bill = built
    assert stopped.returncode != 0
    assert f"the budget of paid, {BUDGET} requests, is used up" in stopped.stdout
    assert f"{BUDGET} are answered or lost" in stopped.stdout
    assert BUDGET / 2 < bill_at_stop["billed"] <= BUDGET, "what was charged for nothing counts too"
    assert bill["distinct"] > bill_at_stop["distinct"]


def test_every_paid_call_is_in_the_ledger_and_every_row_leads_back(built):
    project, _, _, _, bill = built
    folder = project.folder
    entries = list(read_jsonl(folder / "results/paid/ledger.jsonl"))
    ledger = [entry for entry in entries if "possible_dollars" not in entry]
    assert len(ledger) == bill["distinct"], "what the server was asked for, and no call twice"
    assert {entry["stage"] for entry in ledger} == {"exemplar filter", "synthesis", "verification"}
    assert all(entry["used"] for entry in ledger)
    lost = [entry for entry in entries if "possible_dollars" in entry]
    assert lost
    assert bill["billed"] <= len(ledger) + len(lost), "every charge is accounted for, those for nothing too"
    summary = json.loads((folder / "results/paid/ledger.json").read_text())
    assert summary["dollars"] == pytest.approx(sum(entry["dollars"] for entry in ledger), abs=1e-5)
    assert summary["dollars"] > 0
    store, passages = AnswerStore(folder / "answers"), PassageStore(folder / "results/corpora/demo/passages.arrow")
    texts = {passage.id: passage.document for passage in passages[list(range(len(passages)))]}
    exemplars = {
        f"{name}:{row['row']}": row
        for name in ("demo_alpaca", "demo_lmsys")
        for row in pq.read_table(folder / f"results/exemplar_sets/{name}.parquet").to_pylist()
    }
    rows = list(read_jsonl(folder / "results/paid.jsonl"))
    assert rows
    for row in rows:
        assert [texts[passage["id"]] for passage in row["passages"]] == row["documents"]
        assert exemplars[row["exemplar_id"]]["instruction"] == row["exemplar"]
        assert (
            json.loads(re.sub("^[^{]*", "", store.get(row["request_keys"][-1])["text"]))["question"] == row["question"]
        )


def test_rows_and_rejects_add_up_to_what_was_tried(built):
    folder = built[0].folder
    counts = json.loads((folder / "results/paid/counts.json").read_text())
    rejects = list(read_jsonl(folder / "results/paid/rejects.jsonl"))
    tried = {
        entry["key"] for entry in read_jsonl(folder / "results/paid/ledger.jsonl") if entry["stage"] == "synthesis"
    }
    rows = list(read_jsonl(folder / "results/paid.jsonl"))
    assert {key for row in rows + rejects for key in row.get("request_keys", ())} == tried
    assert counts["rows"] == len(rows) > 8
    # The server's judge reads documents and knows nothing: hints that it could combine state the answer.
    assert (
        counts["verification"]["single_doc_answer"]["passed"] == counts["verification"]["single_doc_answer"]["tested"]
    )
    assert counts["verification"]["multi_doc_answer"]["found"]["multi_doc_answer"] > 0
    assert counts["verification"]["multi_doc_support"]["passed"] == 0
    verdicts = read_jsonl(folder / "results/paid/verification/multi_doc_support.jsonl")
    untested = {verdict["id"] for verdict in verdicts if verdict["found"] == "untested"}
    assert {row["id"] for row in rows if row["paradigm"] == "multi_doc_support"} <= untested, "the others were dropped"
    assert counts["verification"]["multi_doc_support"]["untested"] == len(untested)
    assert "| multi_doc_support |" in (folder / CARD).read_text()


def test_what_decides_no_answer_reruns_nothing(built):
    project = built[0]
    config = (project.folder / "config.yaml").read_text()
    changed = re.sub(
        r'"base_url": "http://127[^"]*"',
        '"base_url": "http://elsewhere.example/v1", "concurrency": 3, "batch": true',
        config,
    )
    try:
        (project.folder / "config.yaml").write_text(changed.replace('"requests": 5000', '"requests": 1'))
        assert plan(project, CARD) == {}
        (project.folder / "config.yaml").write_text(config.replace('"share": 1,', '"share": 0.5,'))
        assert plan(project, CARD) == {"verify_paradigms": 3, "merge_dataset": 1, "ledger": 1, "card": 1}
    finally:
        (project.folder / "config.yaml").write_text(config)


def test_a_new_price_changes_ledger_and_card_and_buys_nothing(built):
    project = built[0]
    for name, old, new in (
        ("resources/prices.yaml", "date:", "# of today\ndate:"),
        ("config.yaml", '"input": 2.0', '"input": 3.0'),
    ):
        text = (project.folder / name).read_text()
        project.edit(name, old, new)
        try:
            assert plan(project, CARD) == {"ledger": 1, "card": 1}
        finally:
            (project.folder / name).write_text(text)


def test_the_key_is_in_no_file_and_no_message(built):
    project, stopped, _, done, _ = built
    assert KEY not in stopped.stdout + done.stdout
    for path in (path for path in project.folder.rglob("*") if path.is_file()):
        assert KEY.encode() not in path.read_bytes(), path
