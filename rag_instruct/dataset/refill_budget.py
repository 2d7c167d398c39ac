"""Makes Snakemake run a refill again that stopped for lack of budget, when the user has changed the budget.

Snakemake runs a job again when its params have changed, and `budget_param` is one of them. It stays the same, unless
the last refill ran out of a budget that differs from today's.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rag_instruct.files import read_json, write_json


def budget_param(note: Path, budget: Mapping[str, Any]) -> str:
    """Return the param of the refill's job, as JSON. `note` is the file that the last job wrote by `note_budget`."""
    today = json.dumps(budget, sort_keys=True)
    last = {"param": "", "ran_out_of": ""} | (read_json(note) if note.is_file() else {})
    changed = last["ran_out_of"] and last["ran_out_of"] != today
    return today if changed else str(last["param"])


def note_budget(note: Path, param: str, budget: Mapping[str, Any], ran_out: bool) -> None:
    """Write the job's param, and the budget if the job ran out of it."""
    write_json(note, {"param": param, "ran_out_of": json.dumps(budget, sort_keys=True) if ran_out else ""})
