"""Show what the store of answers contains, or compact it.

python -m scripts.answers show answers              # requests and tokens
python -m scripts.answers show answers --key 3b1def # one request and its reply
python -m scripts.answers compact answers           # join the segments, without broken lines and repeated records

Args:
    what: show prints requests and tokens by data set, stage and model; compact joins the segments into one
    folder: folder of the store: `answers` in config.yaml
    key: with show: print the requests whose keys begin with this, and their replies
    forget_failures: with compact: remove all refusals, so that jobs that run again send these requests again
"""

from collections import Counter
from pathlib import Path
from typing import Literal

from rag_instruct import cli
from rag_instruct.errors import UserError
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.segments import Record, compact, tokens_of
from rag_instruct.tables import frame, text


def table(store: AnswerStore) -> str:
    """Return requests, failures and tokens by data set, stage and model, for the terminal."""
    accounts: dict[tuple[str, str, str], Counter[str]] = {}
    for record in store.records():
        account = record.get("for", "unknown"), record.get("stage", "unknown"), record["request"]["model"]
        counts = tokens_of(record.get("reply")) + Counter(requests=1, failed="failure" in record)
        accounts.setdefault(account, Counter()).update(counts)
    counted = ("requests", "failed", "prompt", "completion")
    rows = ([*account, *(counts[name] for name in counted)] for account, counts in sorted(accounts.items()))
    return text(frame(["data set", "stage", "model", "requests", "failed", "tokens in", "tokens out"], rows))


def described(record: Record) -> str:
    """Return a request and its reply as text for the terminal."""
    parts = [f"{name}: {record[name]}" for name in ("key", "for", "stage", "at") if name in record]
    parts += [f"── {message['role']}\n{message['content']}" for message in record["request"].get("messages", [])]
    rest = {name: value for name, value in record["request"].items() if name != "messages"}
    reply = record.get("reply") or {"failure": record.get("failure")}
    return "\n".join([*parts, f"── request\n{rest}", f"── reply\n{reply.get('text', '')}", f"── {reply}"])


def shown(store: AnswerStore, key: str) -> str:
    """Return the requests whose keys begin with `key`, and their replies. Raises UserError if there are none."""
    found = [record for record in store.records() if record["key"].startswith(key)]
    if not found:
        raise UserError(f"{store.folder}: no request's key begins with {key}")
    return "\n\n".join(map(described, found))


def main(
    what: Literal["show", "compact"], folder: Path, *, key: str | None = None, forget_failures: bool = False
) -> None:
    if not folder.is_dir():
        raise UserError(f"{folder}: the folder does not exist")
    if what == "compact":
        segments, records = compact(folder, forget_failures)
        print(f"{folder}: joined {segments} segments into one with {records} records")
    else:
        print(shown(AnswerStore(folder), key) if key else table(AnswerStore(folder)))


if __name__ == "__main__":
    cli.run(main)
