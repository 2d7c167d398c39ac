"""The data set as the hub takes it, and the way there."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import constants
from made import row as made_row
from msgspec.structs import replace

from rag_instruct.dataset.card import SCHEMA, card, places, split, write_parquet
from rag_instruct.errors import UserError
from rag_instruct.record_files import as_json
from rag_instruct.schema import Gain, Link, Row, RowBits, RowPassage
from scripts import card as card_script
from scripts.push import push


def row(number, paradigm="single_doc_answer", place=0):
    roles = ["noise"] * 4
    roles[place] = "source"
    passages = tuple(RowPassage(str(n), role, n + 1, 0.5) for n, role in enumerate(roles))
    documents = ("Title\nA text | with a bar",) * 4
    return made_row(f"{paradigm}-{number}", paradigm, documents, (), passages=passages, exemplar_id=f"set:{number}", answer="An answer.\nIn two lines.")  # fmt: skip


ROWS = [row(n, place=n % 4) for n in range(400)]
COUNTS = {
    "rows": 400,
    "paradigms": {"single_doc_answer": {"wanted": 400, "rows": 400, "stopped": 1, "repeated": 0, "surplus": 2}},
    "rejects": {"single_doc_answer": {"off topic": 7}},
    "verification": {},
    "exemplars": {
        "set": {
            "license": "MIT",
            "from": "me/set@c0ffee",
            "records": 9,
            "left out": {"redacted": 2},
            "not looked at": 3,
            "cleaned out": {},
            "drawn": 4,
            "wanted": 4,
            "filtered out": {"code": 1},
            "kept": 3,
        }
    },
}
LEDGER = {"dollars": 1.25, "prices_of": "2026-01-01", "counted_as_free": [], "stages": {"synthesis, m": {"requests": 410, "dollars": 1.25}}}  # fmt: skip


def made(rows, counts=COUNTS, language="en", made_of=None):
    return card(
        "mine",
        rows,
        split(rows, 0.1, "1"),
        counts,
        {"language": {"kept": 400, "dropped": 1}},
        LEDGER,
        made_of or {"seed": "1"},
        language,
    )


def test_a_card_says_which_rows_are_missing_and_why():
    assert "wanted rows" not in made(ROWS)
    paradigms = {
        **COUNTS["paradigms"],
        "useless_doc": {"wanted": 9, "rows": 0, "stopped": 0, "repeated": 0, "surplus": 0},
    }
    said = made(ROWS, {**COUNTS, "paradigms": paradigms, "rejects": {"useless_doc": {"no usable sentence": 36}}})
    assert "mine has 400 of 409 wanted rows. Short of rows: useless_doc 0 of 9. 36 of 36 rejects are no usable" in said


def test_a_card_counts_the_rows_that_decline():
    assert "decline" not in made(ROWS).split("## Fields")[0]
    declining = [replace(one, withheld_answer="A") for one in ROWS[:7]] + ROWS[7:]
    assert "\n7 rows decline: a document that the answer needs is withheld" in made(declining)


def test_splits_are_drawn_by_row_and_no_row_is_lost():
    parts = split(ROWS, 0.1, "1")
    assert len(parts["train"]) + len(parts["validation"]) == 400
    assert 20 < len(parts["validation"]) < 65
    again = split(ROWS[:200][::-1], 0.1, "1")
    assert {r.id for r in again["validation"]} <= {r.id for r in parts["validation"]}, "whatever else there is"
    assert list(split(ROWS, 0, "1")) == ["train"]


def test_a_card_has_the_hubs_header_and_the_numbers():
    text = re.sub(" +", " ", made(ROWS))
    header = yaml.safe_load(made(ROWS).split("---\n")[1])
    assert header["language"] == ["en"]
    assert "language" not in yaml.safe_load(made(ROWS, language=None).split("---\n")[1])
    assert header["license"] == "other", "the rows' and the documents' licences differ"
    assert header["size_categories"] == ["n<1K"]
    assert [file["split"] for file in header["configs"][0]["data_files"]] == ["train", "validation"]
    for line in ("| single_doc_answer | 400 | 400 | 1 | 0 | 2 |", "| language | 400 | 1 |", "| synthesis, m | 410 | 0 | 0 | 1.2500 |",
                 "| exemplars | set | MIT | 400 |", "| documents | corpus | CC-BY-SA-3.0 | 400 |", "| single_doc_answer | off topic | 7 |"):  # fmt: skip
        assert line in text
    assert "Source documents at places 1 to 4: 100, 100, 100, 100." in text
    assert "p = 1.00" in text
    assert "> An answer.\n> In two lines." in text
    verification = {
        "single_doc_answer": {
            "tested": 3,
            "untested": 4,
            "found": {"none": 1, "single_doc_answer": 2},
            "passed": 2,
            "passed_share": [0.2, 0.9],
        }
    }
    verified = re.sub(" +", " ", made(ROWS, {**COUNTS, "verification": verification}))
    assert "| single_doc_answer | 1 | 2 | 4 | 2 of 3 | 0.2 to 0.9 |" in verified


def test_a_public_card_names_no_folder_of_this_machine():
    made_of = {
        "encoder": "/home/me/my models/bge",
        "teacher": '/srv/llama, sampling {"stop": "a/b"}',
        "retriever": "dense; sources reranked by /opt/rerank/m3",
        "prompts": "facebook/contriever-msmarco",
        "seed": 1,
    }
    one = {**COUNTS["exemplars"]["set"], "from": "/home/me/private/set.json"}
    text = re.sub(" +", " ", made(ROWS, {**COUNTS, "exemplars": {"set": one}}, made_of=made_of))
    for line in ("| encoder | bge |", '| teacher | llama, sampling {"stop": "a/b"} |', "by m3 |",
                 "| prompts | facebook/contriever-msmarco |", "- set: set.json, MIT"):  # fmt: skip
        assert line in text
    assert not re.search("home|srv|opt", text)


def test_a_place_that_says_something_is_seen():
    assert places([row(n, place=0) for n in range(50)]) == [50, 0, 0, 0]
    assert "p = 0.00" in made([row(n, place=0) for n in range(50)])


def test_rows_without_noise_have_no_test_of_places():
    alone = [replace(one, documents=one.documents[:1], passages=(RowPassage("0", "source", 1, 0.5),)) for one in ROWS]
    assert "nan" not in made(alone)
    assert "its place says nothing" in made(alone)


def given(value):
    """A value of a Parquet file without the nulls of missing fields."""
    if isinstance(value, list):
        return [given(one) for one in value]
    return {k: given(v) for k, v in value.items() if v is not None} if isinstance(value, dict) else value


def test_parquet_has_the_rows_and_every_field_of_a_row(tmp_path):
    bits = RowBits("single_doc_answer", 0.5, Gain(1.5, 0.4, 0.25, 1.0))
    passages = (replace(ROWS[0].passages[0], bits=8.5), replace(ROWS[0].passages[1], demoted=True))
    measured = replace(ROWS[0], evidence=bits, passages=(*passages, *ROWS[0].passages[2:]))
    links = (Link("name", "1", "0", "Title"),)
    linked = replace(ROWS[2], passages=(RowPassage("0", "source", 1, 0.5, "1"),), links=links)
    rows = [measured, ROWS[1], linked]
    write_parquet(tmp_path / "x.parquet", rows)
    found = pq.read_table(tmp_path / "x.parquet")
    assert found.schema.names == SCHEMA.names
    assert list(map(given, found.to_pylist())) == json.loads(json.dumps([as_json(row) for row in rows]))
    assert set(SCHEMA.names) == set(Row.__struct_fields__)


class Hub(BaseHTTPRequestHandler):
    """As much of the hub's API as an upload calls."""

    seen: list[str] = []  # noqa: RUF012
    token = "hf_test"
    private = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append(f"{self.path} {body[:99_999]!r}")
        if self.headers.get("Authorization") != f"Bearer {self.token}":
            return self.answer(401, {"error": "Invalid credentials"})
        if "preupload" in self.path:
            files = [{**file, "uploadMode": "regular", "shouldIgnore": False} for file in json.loads(body)["files"]]
            return self.answer(200, {"files": files})
        home = f"http://{self.headers['Host']}/datasets/me/mine"
        return self.answer(
            200, {"url": home, "name": "me/mine", "commitUrl": f"{home}/commit/1", "commitOid": "1", "success": True}
        )

    def do_GET(self):
        self.answer(200, {"id": "me/mine", "sha": "0", "siblings": [], "private": self.private})

    def answer(self, status, value):
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments):
        pass


def test_a_push_uploads_the_card_and_the_data(tmp_path, monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    (tmp_path / "hub/data").mkdir(parents=True)
    with pytest.raises(UserError, match=r"has no README.md: make it first"):
        push(tmp_path / "hub", "me/mine", public=False)
    (tmp_path / "hub/README.md").write_text(made(ROWS))
    write_parquet(tmp_path / "hub/data/train.parquet", ROWS)
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(UserError, match="the hub answered 401 for me/mine: export HF_TOKEN"):
        push(tmp_path / "hub", "me/mine", public=False)
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    assert push(tmp_path / "hub", "me/mine", public=False).endswith("/datasets/me/mine")
    commit = next(seen for seen in Hub.seen if "/commit/" in seen)
    assert all(name in commit for name in ("README.md", "data/train.parquet"))
    assert '"visibility":"private"' in Hub.seen[0], "private unless told otherwise"
    monkeypatch.setattr(Hub, "private", False)
    Hub.seen.clear()
    with pytest.raises(UserError, match="me/mine is public on the hub: add --public, or give another name"):
        push(tmp_path / "hub", "me/mine", public=False)
    assert not any("/commit/" in seen for seen in Hub.seen), "what is public has a new version for all to see"
    assert push(tmp_path / "hub", "me/mine", public=True).endswith("/datasets/me/mine")
    server.shutdown()
    server.server_close()


def test_what_the_hub_refuses_is_said_in_one_message(tmp_path, monkeypatch):
    (tmp_path / "README.md").write_text(made(ROWS))
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match=r"the hub cannot be reached .* HF_HUB_OFFLINE"):
        push(tmp_path, "me/mine", public=False)
    for name in ("me/mi ne", "a/b/c", "me/--x"):
        with pytest.raises(UserError, match=f"--to {name}: no id of the hub: give <owner>/<name>"):
            push(tmp_path, name, public=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="the hub cannot be reached"):
        push(tmp_path, "me/mine", public=False)


@pytest.mark.parametrize(
    ("licence", "head"),
    [
        ("CC-BY-SA-3.0", "license: cc-by-sa-3.0\n"),
        ("LMSYS-Chat-1M", "license: other\nlicense_name: lmsys-chat-1m\n"),
        ("My own, v2", "license: other\nlicense_name: my-own-v2\n"),
    ],
)
def test_a_licence_that_the_hub_does_not_know_is_other_with_its_name(licence, head):
    rows = [msgspec.structs.replace(row, license=licence, corpus_license=licence) for row in ROWS]
    assert head in made(rows)


def test_a_folder_whose_data_are_not_complete_has_no_card(tmp_path, monkeypatch):
    """A second run by hand that dies while it writes the data leaves no card of the first."""
    hub = tmp_path / "hub"
    hub.mkdir()
    (hub / "README.md").write_text("the first card")

    def full(path, _):
        if path.parent != tmp_path:
            raise UserError("the disk is full")

    for name in ("text_of", "read_data_set", "read_json", "split"):
        monkeypatch.setattr(card_script, name, lambda *_: {"train": []})
    monkeypatch.setattr(card_script, "write_parquet", full)
    read = dict.fromkeys(("dataset", "counts", "quality_filters", "ledger"), tmp_path / "x")
    given = {**read, "card": hub / "README.md", "parquet": tmp_path / "all.parquet", "seed": "1", "validation": 0.0}
    with pytest.raises(UserError, match="the disk is full"):
        card_script.main(**given, name="x", made_of="{}")
    assert list(hub.iterdir()) == []
