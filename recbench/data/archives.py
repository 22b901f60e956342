"""Files out of gzip, zip and tar: one member, of bounded size, under a name of our own, gone when it was read."""

from __future__ import annotations

import gzip
import re
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from recbench.contracts.errors import DataError

_BLOCK = 1 << 20
_SMALL = 1 << 30  # bytes that any archive may unpack to
_RATIO = 100  # larger ones may unpack to so many times their own size
_NETFLIX_FILE = re.compile(r"mv_(\d{1,9})\.txt")
_NETFLIX_HEADER = b"user,rating,date,item\n"
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile, tarfile.TarError, NotImplementedError)


@contextmanager
def unpacked(path: Path, *, source: str, member: str | None = None) -> Iterator[Path]:
    """A plain file with the rows of ``path``: itself, or what is packed in it.

    Nothing is written outside a temporary folder, whatever the names in the archive; Netflix's ``mv_*.txt`` files, in
    a folder, a tar or a tar in a tar, become one csv.

    Args:
      path: a file or a folder.
      source: its name in messages.
      member: the file of an archive to read; None: its only one.

    Raises:
      DataError: the archive is broken, too large, or its member is not there or not clear.
    """
    kind = _kind(path)
    if kind == "plain":
        yield path
        return
    limit = max(_SMALL, _RATIO * _size(path))
    with tempfile.TemporaryDirectory(prefix="recbench-") as folder:
        target = Path(folder) / "rows"
        try:
            with target.open("wb") as out:
                _UNPACK[kind](path, _Bounded(out, limit, source), source, member)
            if kind == "gzip" and _kind(target) == "tar":
                rows = Path(folder) / "member"
                with rows.open("wb") as out:
                    _from_tar(target, _Bounded(out, limit, source), source, member)
                target = rows
        except (*_BROKEN, RuntimeError) as error:
            reason = str(error) or type(error).__name__
            raise DataError(
                f"{source} is a broken {kind} file ({reason}): fetch it again, or unpack it and give the file inside"
            ) from error
        yield target


class _Bounded:
    """A file for writing that refuses to grow beyond a limit."""

    def __init__(self, out: IO[bytes], limit: int, source: str) -> None:
        self._out, self._left, self._limit, self._source = out, limit, limit, source

    def write(self, block: bytes) -> int:
        self._left -= len(block)
        if self._left < 0:
            raise DataError(
                f"{self._source} unpacks to more than {self._limit:,} bytes, {_RATIO} times its size: "
                "unpack it yourself if that is right, and give the file inside"
            )
        return self._out.write(block)


def _kind(path: Path) -> str:
    if path.is_dir():
        return "folder"
    with path.open("rb") as file:
        start = file.read(512)
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")) or path.suffix.lower() == ".zip":
        return "zip"
    return "tar" if start[257:262] == b"ustar" else "plain"


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else sum(file.stat().st_size for file in path.glob("mv_*.txt"))


def _from_gzip(path: Path, out: _Bounded, source: str, member: str | None) -> None:
    with gzip.open(path) as packed:
        shutil.copyfileobj(packed, out, _BLOCK)


def _from_zip(path: Path, out: _Bounded, source: str, member: str | None) -> None:
    with zipfile.ZipFile(path) as archive:
        files = [info.filename for info in archive.infolist() if not info.is_dir()]
        with archive.open(_chosen(files, member, source=source)) as packed:
            shutil.copyfileobj(packed, out, _BLOCK)


def _from_tar(path: Path, out: _Bounded, source: str, member: str | None) -> None:
    with tarfile.open(path) as archive:
        files = [info.name for info in archive if info.isfile()]
        nested = [name for name in files if PurePosixPath(name).name == "training_set.tar"]
        if nested:
            packed = archive.extractfile(nested[0])
            with tarfile.open(fileobj=packed) as inner:
                _from_netflix(_tar_files(inner), out, source)
        elif any(_NETFLIX_FILE.fullmatch(PurePosixPath(name).name) for name in files):
            _from_netflix(_tar_files(archive), out, source)
        else:
            packed = archive.extractfile(_chosen(files, member, source=source))
            assert packed is not None
            shutil.copyfileobj(packed, out, _BLOCK)


def _from_folder(path: Path, out: _Bounded, source: str, member: str | None) -> None:
    files = sorted(path.glob("mv_*.txt"))
    if not files:
        raise DataError(f"{source} is a folder without mv_*.txt files: give the file with the rows")
    _from_netflix(((file.name, file.read_bytes()) for file in files), out, source)


def _tar_files(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for info in archive:
        if info.isfile() and _NETFLIX_FILE.fullmatch(PurePosixPath(info.name).name) and info.size <= _SMALL:
            packed = archive.extractfile(info)
            assert packed is not None
            yield PurePosixPath(info.name).name, packed.read()


def _from_netflix(files: Iterator[tuple[str, bytes]], out: _Bounded, source: str) -> None:
    """One csv of files that hold ``item:`` and then ``user,rating,date`` lines: the item is added to each line."""
    out.write(_NETFLIX_HEADER)
    for name, text in files:
        title, _, rows = text.replace(b"\r\n", b"\n").partition(b"\n")
        item = title.strip().removesuffix(b":")
        if not (item.isdigit() and title.strip().endswith(b":")):
            raise DataError(f"{source}, {name}: the first line is {title[:40]!r}, but an item and a colon are expected")
        if rows.strip():
            out.write((rows.rstrip(b"\n") + b"\n").replace(b"\n", b"," + item + b"\n"))


def _chosen(files: Sequence[str], member: str | None, *, source: str) -> str:
    """The member asked for, or the only file there is."""
    if member is not None:
        found = [name for name in files if name == member or PurePosixPath(name).name == member]
        if len(found) == 1 or member in found:
            return member if member in found else found[0]
        raise DataError(f"{source} has no file {member!r}: it holds {_listed(files)}; give one with --member")
    plain = [name for name in files if not PurePosixPath(name).name.startswith(".") and "__MACOSX" not in name]
    if len(plain) == 1:
        return plain[0]
    if not plain:
        raise DataError(f"{source} is an archive without files: one with rows of user and item is needed")
    raise DataError(f"{source} holds {len(plain)} files, {_listed(plain)}: say which with --member")


def _listed(files: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in files[:8])
    return f"{shown} and {len(files) - 8} more" if len(files) > 8 else shown


_UNPACK: dict[str, Callable[[Path, _Bounded, str, str | None], None]] = {
    "gzip": _from_gzip,
    "zip": _from_zip,
    "tar": _from_tar,
    "folder": _from_folder,
}
