"""The inputs of jobs that are not arguments: a file of settings, and environment variables."""

import json
import os
from pathlib import Path

from rag_instruct.errors import UserError
from rag_instruct.files import digest, read_json, write_text
from rag_instruct.settings import Settings

REPLAY = "RAG_INSTRUCT_REPLAY"  # if set, jobs use only stored answers, without network or key
OFF = ("", "0", "false", "no", "off")  # values that leave REPLAY off


def write_settings(config: Settings, folder: Path) -> Path:
    """Write the settings for jobs, and return the file's path. Its name is a digest, so equal settings share a file."""
    text = json.dumps(config)
    path = folder / f"{digest(text)[:16]}.json"
    if not path.exists():
        write_text(path, text)
    return path


def job_settings(path: Path | None, requests: int | None = None) -> Settings:
    """Return the settings that `write_settings` wrote. If `path` is None, read ./config.yaml.

    No teacher has more than `requests` in flight, if given: Snakemake's `--resources requests=N` sets it.
    """
    settings = _settings_in(path)
    if requests is None:
        return settings
    teachers = settings["teachers"].items()
    capped = {name: {**one, "concurrency": min(one["concurrency"], requests)} for name, one in teachers}
    return {**settings, "teachers": capped}


def _settings_in(path: Path | None) -> Settings:
    if path is None:
        from rag_instruct.settings.config import read_config  # loads pydantic, which Snakemake's jobs do not need

        return read_config(Path.cwd())
    if not path.exists():
        raise UserError(
            f"{path}: no such file: run snakemake again to write it, or leave --settings out to read config.yaml"
        )
    settings: Settings = read_json(path)
    return settings


def key_in(variable: str | None) -> str:
    """Return the key in an environment variable, without the spaces or line breaks around it; or an empty text."""
    return os.environ.get(variable or "", "").strip()


def missing_key(variable: str | None) -> bool:
    """Return whether a teacher needs an API key, and its environment variable is not set."""
    return bool(variable) and not key_in(variable) and not replays()


def key_fault(variable: str) -> str:
    """Return what is wrong with the key in an environment variable, or "" if it can be sent.

    Spaces and line breaks around a key do not count. Replay needs no key.
    """
    if missing_key(variable):
        return "is not set"
    key = key_in(variable)
    return "" if key.isascii() and key.isprintable() else "has a line break or a sign that no key has"


def replays() -> bool:
    """Return whether jobs use only stored answers."""
    return os.environ.get(REPLAY, "").strip().lower() not in OFF
