"""Says how many of the wanted rows a data set lacks, for which reasons, and what would help."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rag_instruct.paradigms import LOOKED_AT
from rag_instruct.reasons import WITHOUT_REQUEST, Reason, explain

REASONS = 2  # we explain at most so many reasons
TELLING = 0.2  # after the first reason, we explain only reasons with at least this share of the weights (see `why`)


def shortfall(name: str, counts: Mapping[str, Any]) -> str:
    """Return what data set `name` lacks, why, and what would help; "" if it has all wanted rows.

    `counts` is the content of counts.json.
    """
    wanted = sum(one["wanted"] for one in counts["paradigms"].values())
    short = {paradigm: one for paradigm, one in counts["paradigms"].items() if one["rows"] < one["wanted"]}
    if not short:
        return ""
    made = ", ".join(f"{paradigm} {one['rows']:,} of {one['wanted']:,}" for paradigm, one in short.items())
    rejects: Counter[str] = sum((Counter(counts["rejects"].get(paradigm, {})) for paradigm in short), Counter())
    relabelled = sum(one.get("relabelled", 0) for one in short.values())
    return f"{name} has {counts['rows']:,} of {wanted:,} wanted rows. Short of rows: {made}. {why(rejects, relabelled)}"


def why(rejects: Mapping[str, int], relabelled: int = 0) -> str:
    """Return the most frequent reasons of rejects, what they mean, and what would help.

    `relabelled` is the number of rows that were written for the rejects' paradigms and now have other paradigms.

    We give a wanted row up after `tries` candidates that the teacher was asked about, or after LOOKED_AT times `tries`
    candidates in all. So a candidate that was rejected before a request weighs 1 / LOOKED_AT. These weights order the
    reasons, but we show plain counts.
    """
    lost = {reason: count for reason, count in rejects.items() if reason != Reason.SURPLUS}
    moved = (
        f"{relabelled:,} rows got another paradigm, because evidence or verification showed that they have it "
        "(`failing` is `relabel`): ask for more rows of these paradigms, or set `failing` to `keep`."
        if relabelled
        else ""
    )
    if not lost:
        return (
            moved
            or "No candidate was rejected. Were any rows asked for? Set their numbers under `paradigms` in config.yaml."
        )
    weights = {reason: count / (LOOKED_AT if reason in WITHOUT_REQUEST else 1) for reason, count in lost.items()}
    ordered = sorted(lost, key=lambda reason: -weights[reason])
    enough = TELLING * sum(weights.values())
    told = [reason for reason in ordered[:REASONS] if reason == ordered[0] or weights[reason] >= enough]
    total = sum(lost.values())
    said = [f"{lost[reason]:,} of {total:,} rejects are {reason}{_explained(reason)}" for reason in told]
    others = ", ".join(f"{reason} {lost[reason]:,}" for reason in ordered if reason not in told)
    others = f"Other reasons: {others}." if others else ""
    return " ".join(filter(None, (". ".join(said).rstrip(".") + ".", others, moved)))


def _explained(reason: str) -> str:
    known = explain(reason)
    return f": {known.meaning} {known.remedy}".rstrip(".") if known else ""
