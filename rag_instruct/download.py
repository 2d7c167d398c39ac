"""Downloads: resumed after a break, retried, and checked before anything is built on them."""

import hashlib
import os
import shutil
from pathlib import Path

import httpx
import tenacity
from huggingface_hub import snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

from rag_instruct.cli import bar, logger
from rag_instruct.errors import UserError
from rag_instruct.files import write_json

ATTEMPTS = 8  # in a row without progress


def download(url: str, output: Path, size: int | None, sha256: str | None) -> None:
    """Fetch `url`; what a break left in `<output>.part` is continued, and `output` is whole or absent.

    Raises UserError when the disk has no room, the server refuses, or size or sum differ.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    part = output.with_name(output.name + ".part")
    free = shutil.disk_usage(output.parent).free
    if size and free < size - _length(part):
        raise UserError(f"{output}: {size - _length(part):,} bytes are needed, the disk has {free:,}: make room")
    try:
        _fetch_all(url, part)
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        raise UserError(f"{url}: the server answered {status}: check the address in config.yaml") from error
    except httpx.TransportError as error:
        fault = error or type(error).__name__
        raise UserError(f"{url}: {fault}: run again to go on from byte {_length(part):,}") from error
    _check(part, url, size, sha256)
    os.replace(part, output)


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _worth_retrying(error: BaseException) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in (408, 429) or error.response.status_code >= 500
    return isinstance(error, httpx.TransportError)


@tenacity.retry(
    retry=tenacity.retry_if_exception(_worth_retrying),
    wait=tenacity.wait_random_exponential(max=60),
    stop=tenacity.stop_after_attempt(ATTEMPTS),
    reraise=True,
)
def _fetch_all(url: str, part: Path) -> None:
    have = _length(part)
    # Compressed on the way, the bytes would not be the file's, and a range not a part of it.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=60) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # nothing is missing
        response.raise_for_status()
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        total = int(response.headers.get("Content-Length", 0)) + (have if resumed else 0)
        with (
            part.open("ab" if resumed else "wb") as file,
            bar(f"downloading {part.stem}", total=total or None, unit="B") as counter,
        ):
            counter.update(have if resumed else 0)
            for block in response.iter_raw():
                file.write(block)
                counter.update(len(block))


def _check(part: Path, url: str, size: int | None, sha256: str | None) -> None:
    found = part.stat().st_size
    if size and found != size:
        part.unlink()
        raise UserError(
            f"{url}: {found:,} bytes came, {size:,} were expected: the file changed, or something stands between"
        )
    with part.open("rb") as file:
        total = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 and total != sha256:
        part.unlink()
        raise UserError(f"{url}: sha256 is {total}, {sha256} was expected: what came was removed; run again")
    logger.info("%s: %s bytes, sha256 %s", part.stem, f"{found:,}", total)


def download_from_hub(repository: str, revision: str, patterns: list[str], output: Path) -> None:
    """Fetch a data set's files beside `output`, and list them in it. Needs HF_TOKEN for gated sets."""
    folder = output.parent
    try:
        snapshot_download(repository, repo_type="dataset", revision=revision, allow_patterns=patterns, local_dir=folder)
    except GatedRepoError as error:
        raise UserError(
            f"{repository} is gated: accept its terms at https://huggingface.co/datasets/{repository}, "
            "then export HF_TOKEN=..., or give a local `path` in config.yaml"
        ) from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise UserError(
            f"{repository} at {revision} is not on the hub: give its new id, or a local `path`, in config.yaml"
        ) from error
    except (HfHubHTTPError, OSError) as error:
        raise UserError(
            f"{repository}: the hub cannot be reached ({error}): run again later, or give a local `path` in config.yaml"
        ) from error
    files = sorted({str(path.relative_to(folder)) for pattern in patterns for path in folder.glob(pattern)})
    if not files:
        raise UserError(
            f"{repository} has no file {', '.join(patterns)}: give its new names under `files` in config.yaml"
        )
    write_json(output, {"hub": repository, "revision": revision, "files": files})
