"""Measure how well the filters of pairs agree with labels. Free: no model is asked.

    python -m scripts.assess_pairs tests/data/labelled_pairs.jsonl
    python -m scripts.assess_pairs my_labels.jsonl --passages results/corpora/notes/passages.arrow

Each line is a pair of `paradigm`, `question`, `answer` and `documents` ("title\\ntext" each), and perhaps `exemplar`
and `id`. The label is `should_keep`: false for a bad pair. A pair without a label counts as good. So you may label
lines of results/<dataset>.jsonl, and of results/<dataset>/pairs/*.jsonl with --passages. The filters are those of
prompts with whole documents, such as `full`.

Args:
    pairs: .jsonl, .json or .parquet, see above
    passages: corpus, .arrow, for lines that have `sources` instead of documents
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.corpus.passages import PassageStore
from rag_instruct.synthesis.assessment import disagreements, judge_pairs, summary


def main(pairs: Path, *, passages: Path | None = None) -> None:
    judged = judge_pairs(pairs, PassageStore(passages) if passages else None)
    for text in disagreements(judged):
        print(text)
    print(summary(judged))


if __name__ == "__main__":
    cli.run(main)
