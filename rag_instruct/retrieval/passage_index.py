"""Search a corpus by vectors, for one query at a time.

Without an approximate index, the hits are the same as in the workflow's search by vectors.
"""

from bisect import bisect_right
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from rag_instruct.corpus.passages import PassageStore
from rag_instruct.errors import UserError
from rag_instruct.files import read_json
from rag_instruct.logs import logger
from rag_instruct.retrieval.encoder import Encoder, EncoderSettings
from rag_instruct.retrieval.runs import Hit
from rag_instruct.retrieval.search import search
from rag_instruct.retrieval.vectors import VectorFile

if TYPE_CHECKING:
    from rag_instruct.retrieval.approximate import ApproximateShard


class QueryEncoder(Protocol):
    """Makes vectors of queries: with a model on this machine (`Encoder`), or at an endpoint (`EndpointEncoder`)."""

    @property
    def model_identity(self) -> dict[str, str | None]:
        """What must be the same for queries and passages.

        The shard's .json has the `identity` of the passages' encoder, which contains all these keys.
        """

    def encode(self, texts: list[str], what: str) -> np.ndarray:
        """Return one vector for each query: float32, shape (len(texts), dimension)."""


class PassageIndex:
    """The passages of a corpus and their vectors."""

    def __init__(
        self, corpus: Path, encoder_name: str, encoder: EncoderSettings | QueryEncoder, approximate: bool = False
    ) -> None:
        """Open the folder results/corpora/<corpus>. Raises UserError if it has no vectors, or vectors of another model.

        With `approximate`, `best` searches the corpus's faiss index if there is one.
        """
        vectors = corpus / encoder_name
        if not (vectors / "shards.json").is_file():
            raise UserError(
                f"{vectors}: no vectors here: make them first with `snakemake --cores 8 -- {vectors}/shards.json` "
                "(put your --configfile before `--`)"
            )
        self.store = PassageStore(corpus / "passages.arrow")
        first_rows = read_json(vectors / "shards.json")["first_rows"]
        self._shards = [(row, VectorFile(vectors / f"shard_{n:02d}.npy")) for n, row in enumerate(first_rows)]
        self._encoder = Encoder(encoder) if isinstance(encoder, EncoderSettings) else encoder
        self._refuse_other_model(vectors)
        self._approximate = self._indexed(vectors) if approximate else None

    def best(self, query: str, k: int) -> list[Hit]:
        """Return the k best passages, or all passages of a smaller corpus. Equal scores keep the order of the corpus.

        An approximate index may miss some of the best passages, and may find fewer than k.
        """
        vector = self._encoder.encode([query], "reading the question")
        for _, shard in self._shards:
            shard.refuse_other_dimension(vector, "the question")
        if self._approximate is None or k < 1:
            return self._best(vector, k)
        return self._merged([shard.search(vector, k) for shard in self._approximate], k)

    def _refuse_other_model(self, vectors: Path) -> None:
        """Raise UserError if another model made the vectors. Published vectors name no model, so they pass."""
        for number in range(len(self._shards)):
            info = vectors / f"shard_{number:02d}.json"
            made_by = read_json(info).get("encoder", {}) if info.is_file() else {}
            own = self._encoder.model_identity if made_by else {}
            for name, value in own.items():
                if made_by.get(name, value) != value:
                    raise UserError(
                        f"{info}: the vectors were made with {name} {made_by[name]!r}, but the questions would be with "
                        f"{value!r}: give the same encoder, or make the vectors again with `snakemake --cores 8 -- "
                        f"{vectors}/shards.json` (put your --configfile before `--`)"
                    )

    def _indexed(self, vectors: Path) -> "list[ApproximateShard] | None":
        """Return the approximate index of each shard. If the corpus has none, log a warning and return None."""
        if not (vectors / "index.json").is_file():
            logger.warning(
                "%s: the corpus has no index yet, so every question is compared with all passages: make it with "
                "`snakemake --cores 8 -- %s/index.json`",
                vectors,
                vectors,
            )
            return None
        from rag_instruct.retrieval.approximate import ApproximateShard  # faiss loads slowly

        files = [vectors / f"shard_{n:02d}.faiss" for n in range(len(self._shards))]
        shards = zip(self._shards, files, strict=True)
        return [ApproximateShard(shard, file, file.with_suffix(".faiss.json")) for (_, shard), file in shards]

    def nearest(self, row: int, k: int) -> list[Hit]:
        """Return the k passages that are nearest to the passage at `row`, by exact search.

        Normally, the passage itself is one of the k.
        """
        shard = bisect_right([first for first, _ in self._shards], row) - 1
        first_row, vectors = self._shards[shard]
        return self._best(vectors.scattered(np.array([row - first_row])).astype(np.float32), k)

    def _best(self, vector: np.ndarray, k: int) -> list[Hit]:
        return self._merged([search(vector, shard, k)[0] for _, shard in self._shards], k)

    def _merged(self, found: list[np.ndarray], k: int) -> list[Hit]:
        """Return the k best of all shards' hits, with their passages and ranks.

        Each array of `found` has the hits of a shard. We change these arrays: we add the shard's first row to `row`.
        """
        for (first_row, _), of_shard in zip(self._shards, found, strict=True):
            of_shard["row"] += first_row
        hits = np.concatenate(found)
        hits = hits[np.lexsort((hits["row"], -hits["score"]))][:k]
        passages = self.store[hits["row"]]
        numbered = zip(passages, hits["row"].tolist(), hits["score"].tolist(), strict=True)
        return [Hit(passage, row, rank, score) for rank, (passage, row, score) in enumerate(numbered, start=1)]
