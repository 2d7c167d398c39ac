"""How many hits a search returns for each query."""

from rag_instruct.errors import UserError


def search_depth(depth: int, deeper: int, available: int) -> int:
    """Return how many hits to find for each query.

    Later stages need `depth` hits. If more are `available`, the number may be larger, up to `deeper`.
    """
    return max(depth, min(deeper, available))


def refuse_depth(depth: int, passages: int) -> None:
    """Raise UserError when the corpus has fewer passages than `depth`, the number to find for each query."""
    if depth > passages:
        raise UserError(
            f"config.yaml asks for the {depth} best passages, but the corpus has {passages}: "
            "lower `source_depth`, `noise.depth`, or `evaluation.documents` for benchmarks, or enlarge the corpus"
        )
