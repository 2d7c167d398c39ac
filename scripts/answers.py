"""Look into the store of answers, or compact it.

python -m scripts.answers show answers              # what is in it, by data set, stage and model
python -m scripts.answers show answers --key 3b1def # a request and its reply
python -m scripts.answers compact answers           # many segments into one, without torn lines
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

from rag_instruct import cli
from rag_instruct.errors import UserError
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.segments import Record, compact, tokens_of
from rag_instruct.tables import frame, text


def table(store: AnswerStore) -> str:
    """Requests, failures and tokens by data set, stage and model."""
    accounts: dict[tuple[str, str, str], Counter[str]] = {}
    for record in store.records():
        account = record.get("for", "unknown"), record.get("stage", "unknown"), record["request"]["model"]
        counts = tokens_of(record.get("reply")) + Counter(requests=1, failed="failure" in record)
        accounts.setdefault(account, Counter()).update(counts)
    counted = ("requests", "failed", "prompt", "completion")
    rows = ([*account, *(counts[name] for name in counted)] for account, counts in sorted(accounts.items()))
    return text(frame(["data set", "stage", "model", "requests", "failed", "tokens in", "tokens out"], rows))


def described(record: Record) -> str:
    """A request and its reply as a reader wants them."""
    parts = [f"{name}: {record[name]}" for name in ("key", "for", "stage", "at") if name in record]
    parts += [f"── {message['role']}\n{message['content']}" for message in record["request"]["messages"]]
    rest = {name: value for name, value in record["request"].items() if name != "messages"}
    reply = record.get("reply") or {"failure": record.get("failure")}
    return "\n".join([*parts, f"── request\n{rest}", f"── reply\n{reply.get('text', '')}", f"── {reply}"])


def show(arguments: argparse.Namespace) -> None:
    store = AnswerStore(arguments.folder)
    if not arguments.key:
        print(table(store))
        return
    found = [record for record in store.records() if record["key"].startswith(arguments.key)]
    if not found:
        raise UserError(f"{arguments.folder}: no key begins with {arguments.key}")
    print("\n\n".join(map(described, found)))


def make_compact(arguments: argparse.Namespace) -> None:
    segments, records = compact(arguments.folder, arguments.forget_failures)
    print(f"{arguments.folder}: {segments} segments are one now, of {records} records")


def main(arguments: argparse.Namespace) -> None:
    if not arguments.folder.is_dir():
        raise UserError(f"{arguments.folder}: no such folder")
    (show if arguments.what == "show" else make_compact)(arguments)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("what", choices=("show", "compact"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--key", help="the beginning of a request's key")
    parser.add_argument("--forget-failures", action="store_true", help="so that what was refused is asked again")
    cli.run(main, parser.parse_args(sys.argv[1:]))
