"""Bringing a file here once: cache, checksum, retries, one clear message where there is no network."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from recbench.contracts.errors import DataError, DownloadError
from recbench.data.progress import download_bar

RECORDED = "recorded on first download"
"""Stands for a checksum that the publisher does not give."""

_OFFLINE: ContextVar[bool] = ContextVar("recbench_offline", default=False)
_RETRIES = 2
_TIMEOUT = 30  # seconds without a byte


@dataclass(frozen=True, slots=True)
class Remote:
    """A file to be fetched."""

    name: str  # of the data set: its folder in the cache
    file: str
    sha256: str  # 64 hexadecimal digits, or RECORDED
    licence: str
    by_hand: str  # where it may be put by hand in the folder that RECBENCH_DATA names


@contextmanager
def network(*, offline: bool) -> Iterator[None]:
    """Forbids downloads within the block where ``offline`` is true."""
    token = _OFFLINE.set(offline or _OFFLINE.get())
    try:
        yield
    finally:
        _OFFLINE.reset(token)


def cache_folder() -> Path:
    """Where fetched files are kept: ``RECBENCH_CACHE``, or the system's folder for caches."""
    return Path(os.environ.get("RECBENCH_CACHE") or platformdirs.user_cache_dir("recbench")).expanduser()


def fetch(remote: Remote, *, urls: Sequence[str]) -> Path:
    """The file in the cache, fetched from the first address that gives it unless it is there already.

    A download goes to a temporary name and is renamed when its checksum is right, so a file in the cache is whole.

    Raises:
      DownloadError: no address gave it, or the network is forbidden; the message gives the manual way.
      DataError: a file in the cache is not the one whose checksum was recorded.
    """
    path = cache_folder() / "data" / remote.name / remote.file
    if path.is_file() and _is_right(path, remote):
        return path
    if not urls:
        raise DownloadError(f"{remote.name} has no stable address: {_by_hand(remote, path, 'the file')}")
    if _OFFLINE.get() or os.environ.get("RECBENCH_OFFLINE", "") not in ("", "0"):
        raise DownloadError(
            f"{remote.name} is not whole in the cache and the network is off: leave out --offline, "
            f"or {_by_hand(remote, path, urls[0])}"
        )
    sys.stderr.write(f"fetching {remote.name} from {urls[0]}; licence: {remote.licence}\n")
    reasons = []
    for url in urls:
        if (reason := _download(url, path, remote)) is None:
            _record(path, remote)
            return path
        reasons.append(f"{url}: {reason}")
    raise DownloadError(
        f"{remote.name} could not be fetched ({'; '.join(reasons)}): try again later, "
        f"or {_by_hand(remote, path, urls[0])}"
    )


def file_sha256(path: Path) -> str:
    """sha256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_right(path: Path, remote: Remote) -> bool:
    if remote.sha256 != RECORDED:
        return file_sha256(path) == remote.sha256
    record = _record_of(path)
    if not record.is_file():  # put here by hand
        _record(path, remote)
    elif file_sha256(path) != record.read_text(encoding="ascii").strip():
        raise DataError(
            f"{path} is not the file that was fetched first (its sha256 differs from {record.name}): "
            "remove both to fetch it again"
        )
    return True


def _record(path: Path, remote: Remote) -> None:
    """Stores the checksum of a file whose publisher gives none."""
    if remote.sha256 == RECORDED:
        _record_of(path).write_text(f"{file_sha256(path)}\n", encoding="ascii")


def _record_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _by_hand(remote: Remote, path: Path, what: str) -> str:
    return (
        f"get {what} by other means and put it at {path}, "
        f"or what is in it at DIR/{remote.by_hand} with RECBENCH_DATA=DIR"
    )


def _download(url: str, path: Path, remote: Remote) -> str | None:
    """Fetches one address; the reason where that fails."""
    # Imported here: reading files must not wait for an HTTP client.
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.ERROR)
    known = None if remote.sha256 == RECORDED else f"sha256:{remote.sha256}"
    files = pooch.create(
        path.parent, base_url="", registry={path.name: known}, urls={path.name: url}, retry_if_failed=_RETRIES
    )
    try:
        with download_bar(path.name) as bar:
            files.fetch(path.name, downloader=pooch.HTTPDownloader(timeout=_TIMEOUT, progressbar=bar or False))
    except ValueError:  # of pooch, for a wrong checksum
        return f"what came has another sha256 than {remote.sha256}"
    except requests.exceptions.RequestException as error:
        return _short_reason(error)
    except OSError as error:
        return f"{path.parent} cannot be written: {error.strerror or error}"
    return None


def _short_reason(error: Exception) -> str:
    """One clause: what HTTP answered, else the last cause of the error."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP status {response.status_code}"
    cause = error
    while (deeper := cause.__cause__ or cause.__context__) is not None and isinstance(deeper, Exception):
        cause = deeper
    return " ".join(str(cause or type(cause).__name__).split())[:200]
