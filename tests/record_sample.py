"""Renew resources/sample/ from a run in another folder, after a change of prompts, exemplars or documents.

    python tests/record_sample.py /a/folder

In that folder, build results/rag_instruct_sample.jsonl with a config.yaml in which the teacher `recorded` has an
endpoint in place of `recorded`, and the data set has no `runs`. Any endpoint serves, or a person who answers by hand.
"""

import argparse
import gzip
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "rag_instruct_sample"


def used(run: Path) -> dict[str, str]:
    """The records of the store that pairs and rejects of the sample name, by key."""
    pairs = (run / f"results/{NAME}/pairs").glob("*.jsonl")
    keys = {key for file in pairs for line in file.open(encoding="utf-8") for key in json.loads(line)["request_keys"]}
    found = {}
    for segment in sorted((run / "answers").glob("*.jsonl")):
        for line in segment.open(encoding="utf-8"):
            record = json.loads(line)
            if record["key"] in keys and "reply" in record:
                found[record["key"]] = line
    assert found.keys() == keys, f"{len(keys - found.keys())} answers are not in the store"
    return found


def main(run: Path, folder: Path) -> None:
    answers = used(run)
    text = "".join(answers[key] for key in sorted(answers))
    (folder / "answers.jsonl.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    for file in sorted((run / f"results/{NAME}/search").glob("*.trec")):
        if file.stem == "refill":  # with `runs`, there is no refill
            continue
        (folder / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), 9, mtime=0))
    print(f"{len(answers)} answers in {folder}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    main(parser.parse_args().run, ROOT / "resources/sample")
