"""Lets a refill that its budget ended go on when the user changes the budget."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rag_instruct.files import read_json, write_json


def budget_of(note: Path, budget: Mapping[str, Any]) -> str:
    """Return the budget that the refill's job is told, as JSON.

    A refill that its budget ended is complete, until the user changes the budget: then the job is told another one than
    before, so the workflow runs it again. `note` is what the job wrote.
    """
    now = json.dumps(budget, sort_keys=True)
    noted = read_json(note) if note.is_file() else {"told": "", "ended": ""}
    goes_on = noted["ended"] and noted["ended"] != now
    return now if goes_on else str(noted["told"])


def note_budget(note: Path, told: str, budget: Mapping[str, Any], ended: bool) -> None:
    """Write what `budget_of` reads."""
    write_json(note, {"told": told, "ended": json.dumps(budget, sort_keys=True) if ended else ""})
