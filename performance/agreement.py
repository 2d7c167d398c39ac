"""Measure how often the scorers agree with people, on answers of real models that people judged.

python -m performance.agreement NQ.json TQ.json

The files are EVOUNA's (Wang et al., 2023, arXiv 2305.12421, github.com/wangcunxiang/QA-Eval, Apache-2.0): questions of
Natural Questions and TriviaQA, answers of five models, and for each whether people called it right. A record has
`question`, `golden_answer` (divided by "/"), and `answer_<model>` with `judge_<model>`. Questions that the authors call
improper do not count. The last column is SQuAD's rule: a gold occurs in the answer, after lower-casing and without
articles and punctuation.
"""

import argparse
import json
import re
import string
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from rag_instruct.schema import Question
from rag_instruct.scoring.paper import mentions_answer
from rag_instruct.scoring.scores import score_open
from rag_instruct.tables import markdown

PUNCTUATION = str.maketrans("", "", string.punctuation)


class Judged(NamedTuple):
    """An answer, and whether people called it right."""

    file: str
    model: str
    question: Question
    answer: str
    right: bool


def judged(path: Path) -> Iterator[Judged]:
    """Yield the answers of a file."""
    for number, record in enumerate(json.loads(path.read_text("utf-8"))):
        golds = tuple(gold for gold in (record["golden_answer"] or "").split("/") if gold.strip())
        if record["improper"] or not golds:
            continue
        for key in [key for key in record if key.startswith("judge_")]:
            model = key.removeprefix("judge_")
            answer, right = record.get(f"answer_{model}"), record[key]
            if isinstance(answer, str) and answer.strip() and isinstance(right, bool):
                question = Question(id=f"{number}", question=record["question"], answers=golds)
                yield Judged(path.stem, model, question, answer, right)


def agreement(one: Judged) -> dict[str, object]:
    """Return for each scorer whether it agrees with people."""
    ours = score_open(one.question, one.answer)["accuracy"] == 1
    paper = mentions_answer(one.question, one.answer) == 1
    squad = any(_plain(gold) in _plain(one.answer) for gold in one.question.answers)
    said = {"ours": ours, "the paper's": paper, "SQuAD's words": squad}
    wrong = {"too lenient": ours and not one.right, "too strict": one.right and not ours}
    return {"questions": one.file, "model": one.model, **{name: x == one.right for name, x in said.items()}, **wrong}


def _plain(text: str) -> str:
    return " ".join(re.sub(r"\b(?:a|an|the)\b", " ", text.lower().translate(PUNCTUATION)).split())


def main(paths: list[Path]) -> None:
    """Print the agreement in percent, by questions and model, and over all."""
    import pandas as pd

    with ProcessPoolExecutor() as pool:
        found = pd.DataFrame(pool.map(agreement, [one for path in paths for one in judged(path)], chunksize=200))
    named = ["questions", "model"]
    everything = found.assign(questions="all", model="all")
    groups = pd.concat([found, everything]).groupby(named, sort=False)
    shares = (100 * groups.mean()).round(1)
    shares.insert(0, "answers", groups.size())
    print(markdown(shares.reset_index()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", type=Path, nargs="+")
    main(**vars(parser.parse_args()))
