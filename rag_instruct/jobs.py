"""What the graph hands to its jobs beside their arguments: a file of settings, and variables of the environment."""

import json
import os
from pathlib import Path

from rag_instruct.errors import UserError
from rag_instruct.files import digest, whole
from rag_instruct.settings import Settings

REPLAY = "RAG_INSTRUCT_REPLAY"  # set to use stored answers only, without network or key


def write_settings(config: Settings, folder: Path) -> Path:
    """Write the graph's settings for its jobs, once: the file is named by its content. Return its path."""
    text = json.dumps(config)
    path = folder / f"{digest(text)[:16]}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as temporary:
            temporary.write_text(text, "utf-8")
    return path


def job_settings(path: Path | None) -> Settings:
    """Read the settings that the graph wrote for its jobs; without a file, those of ./config.yaml."""
    if path is None:
        from rag_instruct.settings.config import read_config  # pydantic, which a graph's jobs do not need

        return read_config(Path.cwd())
    try:
        settings: Settings = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise UserError(
            f"{path}: no such file: run snakemake again, which writes it, or leave --settings out to read config.yaml"
        ) from error
    return settings


def missing_key(variable: str | None) -> bool:
    """Whether a teacher's key is needed that the environment does not hold."""
    return bool(variable) and not os.environ.get(variable or "") and not os.environ.get(REPLAY)
