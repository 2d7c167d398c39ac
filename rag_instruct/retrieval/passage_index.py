"""Search a corpus for one query at a time. The hits are those that the workflow's search finds."""

from bisect import bisect_right
from pathlib import Path

import numpy as np

from rag_instruct.corpus.passages import PassageStore
from rag_instruct.errors import UserError
from rag_instruct.files import read_json
from rag_instruct.retrieval.encoder import Encoder, EncoderSettings
from rag_instruct.retrieval.runs import Hit
from rag_instruct.retrieval.search import search
from rag_instruct.retrieval.vectors import VectorFile


class PassageIndex:
    """The passages of a corpus and their vectors."""

    def __init__(self, corpus: Path, encoder_name: str, settings: EncoderSettings) -> None:
        """Open the folder results/corpora/<corpus>. Raises UserError when it has no vectors."""
        vectors = corpus / encoder_name
        if not (vectors / "shards.json").is_file():
            raise UserError(
                f"{vectors}: no vectors here: make them first with `snakemake --cores 8 -- {vectors}/shards.json` "
                "(put your --configfile before `--`)"
            )
        self.store = PassageStore(corpus / "passages.arrow")
        first_rows = read_json(vectors / "shards.json")["first_rows"]
        self._shards = [(row, VectorFile(vectors / f"shard_{n:02d}.npy")) for n, row in enumerate(first_rows)]
        self._encoder = Encoder(settings)

    def best(self, query: str, k: int) -> list[Hit]:
        """Return the k best passages, or all of a smaller corpus. Equal scores keep the order of the corpus."""
        return self._best(self._encoder.encode([query], "reading the question"), k)

    def nearest(self, row: int, k: int) -> list[Hit]:
        """Return the k passages that are nearest to the passage of a row. It is one of them."""
        shard = bisect_right([first for first, _ in self._shards], row) - 1
        first_row, vectors = self._shards[shard]
        return self._best(vectors.scattered(np.array([row - first_row])).astype(np.float32), k)

    def _best(self, vector: np.ndarray, k: int) -> list[Hit]:
        found = []
        for first_row, shard in self._shards:
            hits = search(vector, shard, k)[0]
            hits["row"] += first_row
            found.append(hits)
        hits = np.concatenate(found)
        hits = hits[np.lexsort((hits["row"], -hits["score"]))][:k]
        passages = self.store[hits["row"]]
        numbered = zip(passages, hits["row"].tolist(), hits["score"].tolist(), strict=True)
        return [Hit(passage, row, rank, score) for rank, (passage, row, score) in enumerate(numbered, start=1)]
