"""What the graph hands to its jobs beside their arguments: teachers, budgets, prices, the store's folder."""

import json
import os
from pathlib import Path

from rag_instruct.settings import Settings

SETTINGS = "RAG_INSTRUCT_SETTINGS"  # JSON for the jobs: what decides no answer and so is no param
REPLAY = "RAG_INSTRUCT_REPLAY"  # set to use stored answers only, without network or key


def job_settings() -> Settings:
    """Teachers, budgets, prices and the store's folder: from the graph, or for a script by hand from ./config.yaml."""
    if given := os.environ.get(SETTINGS):
        settings: Settings = json.loads(given)
        return settings
    from rag_instruct.settings.config import read_config  # pydantic, which a graph's jobs do not need

    return read_config(Path.cwd())


def missing_key(variable: str | None) -> bool:
    """Whether a teacher's key is needed that the environment does not hold."""
    return bool(variable) and not os.environ.get(variable or "") and not os.environ.get(REPLAY)
