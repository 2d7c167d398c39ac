"""Makes Snakemake run a refill again when the user has changed a budget that stopped it.

Snakemake runs a job again when its params have changed. The refill's param `budget_param` changes in one case only: the
last refill ran out of budget, and the budget has changed since.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rag_instruct.files import read_json, write_json


def budget_param(note: Path, budget: Mapping[str, Any]) -> str:
    """Return the new budget as JSON if the last job ran out of budget, and the budget has changed since.

    Otherwise return the last job's param (at first ""), so that Snakemake does not run the refill again. `note` is the
    file that the last job wrote by `note_budget`.
    """
    current = json.dumps(budget, sort_keys=True)
    last = {"param": "", "ran_out_of": ""} | (read_json(note) if note.is_file() else {})
    changed = last["ran_out_of"] and last["ran_out_of"] != current
    return current if changed else str(last["param"])


def note_budget(note: Path, param: str, budget: Mapping[str, Any], ran_out: bool) -> None:
    """Write the job's param, and the budget if the job ran out of it."""
    write_json(note, {"param": param, "ran_out_of": json.dumps(budget, sort_keys=True) if ran_out else ""})
