"""Where bytes lie: whole objects under keys, in a local folder or any store that fsspec speaks to.

Owns durability: what ``put`` has returned for survives a power cut. Objects are written once and never changed, so
nothing here needs a lock. Knows nothing of uploads, attachments or the database.
"""

import os
import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem


@dataclass(frozen=True)
class Store:
    """A folder of objects. Keys are relative, with slashes; ``FileNotFoundError`` where there is no such object."""

    fs: Any
    root: str

    def put(self, key: str, content: bytes) -> None:
        """Write an object durably and whole: a reader sees all of it or nothing."""
        if isinstance(self.fs, LocalFileSystem):
            _write_durably(Path(self.root, key), content)
        else:
            self.fs.pipe_file(self._path(key), content)

    def get(self, key: str) -> bytes:
        """Return the bytes of an object."""
        return cast("bytes", self.fs.cat_file(self._path(key)))

    def open(self, key: str) -> BinaryIO:
        """Open an object for reading; it can be sought in."""
        return cast("BinaryIO", self.fs.open(self._path(key), "rb"))

    def remove(self, prefix: str) -> None:
        """Remove an object, or all under a folder; what is not there is no error."""
        path = self._path(prefix)
        if self.fs.exists(path):
            self.fs.rm(path, recursive=True)

    def _path(self, key: str) -> str:
        return f"{self.root}/{key}"


@cache
def open_store(url: str) -> Store:
    """Return the store at a URL: ``file:///folder``, or ``s3://bucket/folder`` where s3fs is installed.

    Credentials and endpoint of S3 come from where its own libraries look for them.
    """
    fs, root = fsspec.url_to_fs(url)
    return Store(fs, str(root).rstrip("/"))


def _write_durably(path: Path, content: bytes) -> None:
    """Write beside, sync, rename, and sync the folder: a crash leaves the object whole or absent."""
    _make_folder(path.parent)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        with beside.open("xb") as file:
            _belong(file.fileno(), path.parent)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _make_folder(folder: Path) -> None:
    """Make a folder that survives a power cut: each new one is entered durably into the one above."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for each in reversed(missing):
        _belong(each, each.parent)
        _sync_folder(each.parent)


def _belong(made: Path | int, folder: Path) -> None:
    """Give what root made to whoever the folder belongs to: the programs that work on it are not root.

    Done before anybody finds it under its key. ``made``: a path, or the descriptor of a file.
    """
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(made, owner.st_uid, owner.st_gid)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
