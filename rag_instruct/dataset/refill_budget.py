"""Makes Snakemake run a refill again when the user has changed a budget that stopped it.

Snakemake runs a job again when its params have changed, and `budget_param` is one of them. It changes in one case only:
the last refill ran out of budget, and the budget is another one today.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rag_instruct.files import read_json, write_json


def budget_param(note: Path, budget: Mapping[str, Any]) -> str:
    """Return the param that the last job had (at first ""), so that Snakemake does not run the refill again.

    Only if that job ran out of a budget that has changed since, return the new budget as JSON. `note` is the file that
    the last job wrote by `note_budget`.
    """
    today = json.dumps(budget, sort_keys=True)
    last = {"param": "", "ran_out_of": ""} | (read_json(note) if note.is_file() else {})
    changed = last["ran_out_of"] and last["ran_out_of"] != today
    return today if changed else str(last["param"])


def note_budget(note: Path, param: str, budget: Mapping[str, Any], ran_out: bool) -> None:
    """Write the job's param, and the budget if the job ran out of it."""
    write_json(note, {"param": param, "ran_out_of": json.dumps(budget, sort_keys=True) if ran_out else ""})
