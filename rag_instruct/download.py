"""Download files: retry, resume after an interruption, and check the result."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import getproxies

import httpx2
import tenacity
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from rag_instruct.errors import UserError
from rag_instruct.files import needs_room, read_json, read_text, write_json, write_text
from rag_instruct.logs import bar, logger
from rag_instruct.settings import Settings
from rag_instruct.settings.sources import LIST, file_name, remote_files

ATTEMPTS = 8  # after which a download that has not grown ends
BEGIN = b'{\n  "hub": '  # of each list of a download from the hub


class Source(NamedTuple):
    """A file to download: its address, its published size and sha256, and the mirrors and proxy to use."""

    url: str
    size: int | None = None
    sha256: str | None = None
    mirrors: Mapping[str, str] = {}  # replacement of an address's beginning, by this beginning
    proxy: str | None = None

    @property
    def address(self) -> str:
        """The url at its mirror, or the url itself if it has no mirror."""
        for published, mirror in self.mirrors.items():
            if self.url.startswith(published):
                return mirror + self.url.removeprefix(published)
        return self.url


def download(source: Source, output: Path) -> None:
    """Download a file. An interrupted download resumes at the end of `<output>.part`. `output` only appears complete.

    `<output>.sha256` gets the sha256 in sha256sum's format. If no sha256 is published, later downloads must have this
    one. Raises UserError when the disk is full, the server refuses, or the size or sha256 differs.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    part = output.with_name(output.name + ".part")
    try:
        with needs_room(part):
            _fetch_while_it_grows(source, part)
    except httpx2.HTTPStatusError as error:
        status = error.response.status_code
        remedy = "check this `url`, or `mirrors`, in config.yaml"
        if _worth_retrying(error):
            remedy = f"run again later to resume at byte {_length(part):,}"
        raise UserError(f"{source.address}: the server answered {status}: {remedy}") from error
    except httpx2.TransportError as error:
        fault = error or type(error).__name__
        raise UserError(
            f"{source.address}: {fault}: run again to resume at byte {_length(part):,}. Behind a proxy, "
            "set HTTPS_PROXY, or `proxy` in config.yaml"
        ) from error
    except (httpx2.RequestError, httpx2.InvalidURL) as error:  # a redirect that comes back, or no address
        raise UserError(f"{source.address}: {error}: check this `url`, or `mirrors`, in config.yaml") from error
    _check(part, source, output)
    os.replace(part, output)
    _beside(part).unlink(missing_ok=True)


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


class _Version(NamedTuple):
    """Which version of a file a download has begun: its address, and what the server says of it."""

    address: str
    etag: str = ""
    modified: str = ""
    total: int | None = None

    @property
    def validator(self) -> str:
        """The header If-Range, with which the server sends the rest only of this version. Weak tags are not allowed."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified

    def is_another(self, other: "_Version") -> bool:
        """Return whether the two differ in something that both have."""
        return any(mine != theirs for mine, theirs in zip(self, other, strict=True) if mine and theirs)


def _beside(part: Path) -> Path:
    """Return the file that holds the version of a .part file."""
    return part.with_name(part.name + ".json")


def _begun(source: Source, part: Path) -> _Version | None:
    """Return the version whose beginning the .part file has. None: start at the first byte.

    Without a validator, the file may have changed since. A published sha256 would show that at the end.
    """
    try:
        begun = _Version(**json.loads(_beside(part).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    usable = begun.address == source.address and (begun.validator or source.sha256)
    return begun if usable and _length(part) else None


def _version(source: Source, response: httpx2.Response) -> tuple[_Version, int]:
    """Return the version that a response belongs to, and the byte at which it begins, or -1 if that is not known."""
    headers, status = response.headers, response.status_code
    total, start = int(headers.get("Content-Length", 0)) or None, 0
    if status != httpx2.codes.OK:
        span = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", headers.get("Content-Range", "").strip())
        start = int(span[1]) if span and span[1] else -1
        total = int(span[2]) if span and span[2] != "*" else None
    return _Version(source.address, headers.get("ETag", ""), headers.get("Last-Modified", ""), total), start


def _worth_retrying(error: BaseException) -> bool:
    if isinstance(error, httpx2.HTTPStatusError):
        return error.response.status_code in (408, 429) or error.response.status_code >= 500
    return isinstance(error, httpx2.TransportError)


def _fetch_while_it_grows(source: Source, part: Path) -> None:
    """Fetch the file. Begin the attempts again while they add bytes: a long download may break often."""
    while True:
        had = _length(part)
        try:
            return _fetch_all(source, part)
        except httpx2.HTTPError as error:  # also a busy server's 503
            if _length(part) <= had or not _worth_retrying(error):
                raise


@tenacity.retry(
    retry=tenacity.retry_if_exception(_worth_retrying),
    wait=tenacity.wait_random_exponential(max=60),
    stop=tenacity.stop_after_attempt(ATTEMPTS),
    reraise=True,
)
def _fetch_all(source: Source, part: Path) -> None:
    """Fetch the file, or the rest of it. If the rest is of another version, fetch the whole file again."""
    begun = _begun(source, part)
    if not begun:
        part.unlink(missing_ok=True)
    have = _length(part)
    # We refuse compression, because the bytes and ranges would be those of the compressed file.
    headers = {"Accept-Encoding": "identity"}
    if begun:
        headers |= {"Range": f"bytes={have}-"} | ({"If-Range": begun.validator} if begun.validator else {})
    with (
        _client(source) as client,
        client.stream("GET", source.address, headers=headers) as response,
    ):
        fits = begun is not None and _goes_on(begun, have, *_version(source, response))
        if response.status_code == httpx2.codes.RANGE_NOT_SATISFIABLE and fits:
            return  # the .part file is complete
        if response.status_code in (httpx2.codes.RANGE_NOT_SATISFIABLE, httpx2.codes.PARTIAL_CONTENT) and not fits:
            logger.warning("%s: the file has changed since %s bytes of it came: starting again", source.address, have)
            part.unlink(missing_ok=True)
            raise _Changed("the file has changed since a part of it came")
        response.raise_for_status()
        _refuse_web_page(source, response)
        if response.status_code != httpx2.codes.PARTIAL_CONTENT:
            have, begun = 0, _version(source, response)[0]
        _receive(source, part, response, have, begun)


def _client(source: Source) -> httpx2.Client:
    try:
        return httpx2.Client(proxy=source.proxy or None, follow_redirects=True, timeout=60)
    except (ImportError, ValueError, httpx2.InvalidURL) as error:
        place = "`proxy` in config.yaml" if source.proxy else ""
        raise _unusable_proxy(source.address, error, place) from error


def _unusable_proxy(wanted: str, error: Exception, place: str = "") -> UserError:
    """Return the error of a proxy that httpx2 does not know, such as a SOCKS proxy. `place` is where it is set."""
    place = place or f"the environment ({', '.join(f'{name}_proxy' for name in getproxies())})"
    return UserError(f"{wanted}: the proxy in {place} cannot be used ({error}): give an HTTP proxy, or none")


class _Changed(httpx2.TransportError):
    """The server has another version of the file than the .part file. The next attempt starts at the first byte."""


def _goes_on(begun: _Version, have: int, version: _Version, start: int) -> bool:
    """Return whether a partial response continues the .part file, or says that it is complete (`start` is -1)."""
    if begun.is_another(version):
        return False
    return start == have if start >= 0 else (version.total or begun.total) == have


def _refuse_web_page(source: Source, response: httpx2.Response) -> None:
    kind = response.headers.get("Content-Type", "")
    if kind.startswith("text/html") and not file_name(source.url).lower().endswith((".html", ".htm")):
        raise UserError(
            f"{source.address}: the server sent a web page in place of the file: check this `url` in config.yaml in a "
            "browser; it may ask for a login"
        )


def _receive(source: Source, part: Path, response: httpx2.Response, have: int, begun: _Version | None) -> None:
    """Append the rest of the file, or write the whole file. `begun` is its version."""
    coming = int(response.headers.get("Content-Length", 0))
    _refuse_without_room(part, (source.size or have + coming) - have)
    if begun and not have:
        part.unlink(missing_ok=True)  # before its version is written, so that a kill cannot mix two
        write_json(_beside(part), begun._asdict())
    with (
        part.open("ab" if have else "wb") as file,
        bar(f"downloading {part.stem}", total=have + coming if coming else None, unit="B", done=have) as counter,
    ):
        for block in response.iter_raw():
            file.write(block)
            counter.update(len(block))
    came, total = _length(part), begun.total if begun else None
    if total and came != total:
        if came > total:
            part.unlink()
        raise httpx2.ReadError(f"{came:,} of {total:,} bytes came")


def _refuse_without_room(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if free < needed:
        raise UserError(f"{part}: {needed:,} bytes are still to come, but the disk has {free:,} free: make room")


def _check(part: Path, source: Source, output: Path) -> None:
    found, url = part.stat().st_size, source.address
    if source.size and found != source.size:
        part.unlink()
        raise UserError(
            f"{url}: {found:,} bytes came, but `size` in config.yaml is {source.size:,}: a proxy changed the file, or "
            "its authors did. The download was removed: run again, or correct `size`"
        )
    with part.open("rb") as file:
        total = hashlib.file_digest(file, "sha256").hexdigest()
    seen = output.with_name(output.name + ".sha256")
    if source.sha256 and total != source.sha256:
        part.unlink()
        raise UserError(f"{url}: sha256 is {total}, {source.sha256} was expected: the download was removed; run again")
    if not source.sha256 and seen.exists() and read_text(seen).split()[0] != total:
        part.unlink()
        raise UserError(
            f"{url}: sha256 is {total}, but it was {read_text(seen).split()[0]} in the first download: the file has "
            f"changed; delete {seen} to accept it"
        )
    write_text(seen, f"{total}  {output.name}\n")
    logger.info("%s: %s bytes, sha256 %s", output.name, f"{found:,}", total)


def download_from_hub(repository: str, revision: str, patterns: list[str], output: Path) -> None:
    """Download a data set's files into the folder of `output`, and write their list and commit to `output`.

    The folder may also have files of another revision; the list does not have them. Gated sets need HF_TOKEN.
    """
    try:
        commit = HfApi().dataset_info(repository, revision=revision).sha
        there = HfApi().list_repo_files(repository, revision=commit, repo_type="dataset")
        files = _wanted(there, patterns, repository)
        inside = "repository/" if LIST in files else ""  # our list must not replace a file of the data set
        with needs_room(output.parent):
            _fetch_commit(repository, commit, patterns, output.parent / inside)
    except HFValidationError as error:
        raise UserError(f"{repository!r} is no id of the hub: give <owner>/<name> as `hub` in config.yaml") from error
    except GatedRepoError as error:
        raise UserError(
            f"{repository} is gated: accept its terms at https://huggingface.co/datasets/{repository}, "
            "then export HF_TOKEN=..., or give a local `path` in config.yaml"
        ) from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise UserError(
            f"{repository} at {revision} is not on the hub: give its new id, or a local `path`, in config.yaml"
        ) from error
    except (HfHubHTTPError, httpx2.TransportError, OSError, ImportError) as error:
        raise _error_of_hub(repository, error) from error
    write_json(output, {"hub": repository, "commit": commit, "files": [inside + file for file in files]})


def _fetch_commit(repository: str, commit: str | None, patterns: list[str], folder: Path) -> None:
    """Download the files of a commit. Raises OSError if one of them is of another commit afterwards.

    If the hub does not answer about a file, the library leaves an older one in its place, with a warning.
    """
    fetch: Any = partial(
        snapshot_download, repository, repo_type="dataset", revision=commit, allow_patterns=patterns, local_dir=folder
    )
    fetch()
    old = [file.filename for file in fetch(dry_run=True) if file.will_download or file.commit_hash != commit]
    if old:
        raise OSError(f"no answer about {', '.join(old):.200}")


def _error_of_hub(repository: str, error: Exception) -> Exception:
    """Return what to say of a hub that does not serve us. An error of the local folder, with its name, stays."""
    if isinstance(error, OSError) and error.filename:
        return error
    if isinstance(error, ImportError):
        return _unusable_proxy(repository, error)
    if getattr(getattr(error, "response", None), "status_code", None) == httpx2.codes.UNAUTHORIZED:
        return UserError(f"{repository}: the hub does not accept HF_TOKEN: export a valid one, or none")
    return UserError(
        f"{repository}: the hub cannot be reached ({error}): run again later, or give a local `path` in config.yaml"
    )


def _wanted(files: list[str], patterns: list[str], repository: str) -> list[str]:
    """Return the files that match the patterns. Raises UserError when a pattern matches none."""
    found = {pattern: {file for file in files if fnmatchcase(file, pattern)} for pattern in patterns}
    if lacking := [pattern for pattern in patterns if not found[pattern]]:
        raise UserError(
            f"{repository} has no file {', '.join(lacking)}: give its new names under `files` in config.yaml"
        )
    return sorted(set().union(*found.values()))


def listed_files(source: Path) -> tuple[list[Path], dict[str, str]]:
    """Return the files in a download's list, or `source` itself if it is no list, and their origin."""
    if not _is_list(source):
        return [source], {"file": str(source)}
    listed = read_json(source)
    return [source.parent / name for name in listed["files"]], {"hub": listed["hub"], "commit": listed["commit"]}


def _is_list(source: Path) -> bool:
    """Return whether a file is a download's list. A user's own file may have the same name."""
    if source.name != LIST or not source.is_file():
        return False
    with source.open("rb") as file:
        return file.read(len(BEGIN)) == BEGIN


def downloads(config: Settings) -> Settings:
    """Return the settings of the download script: mirrors, proxy, and the published size and sha256 by address."""
    expected = {
        file["url"]: {key: file[key] for key in ("size", "sha256") if key in file} for file in remote_files(config)
    }
    return {"mirrors": config["mirrors"], "proxy": config["proxy"], "expected": expected}
