"""A backup as one file: the database and, where attachments lie in a folder of this machine, every one of them.

Owns the file's form: a tar of ``database.dump`` and ``files/...``. The dump is taken first, so that all that it names
is there afterwards. Objects never change under their names, so a restore adds those that are missing and takes none
away, before the database that names them. Attachments in another store (``s3://...``) are that store's to keep.
"""

import os
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from server.attachments.store import open_store
from server.launch import backup
from server.launch.errors import LaunchError

_DUMP: Final = "database.dump"
_FILES: Final = "files"


@dataclass(frozen=True)
class Written:
    """What a backup holds. ``files``: how many attachments' objects; None where they lie in a store elsewhere."""

    size_bytes: int
    files: int | None


def write(database_url: str, files_url: str, file: Path) -> Written:
    """Write a backup; an unfinished one is not left. It is readable by its owner alone."""
    folder = folder_of(files_url)
    draft = file.with_name(f".{file.name}.unfinished")
    try:
        with tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".backup-") as room:
            dumped = Path(room, _DUMP)
            backup.dump(database_url, dumped)
            with tarfile.open(draft, "x") as tar:
                draft.chmod(0o600)
                tar.add(dumped, _DUMP)
                count = sum(_added(tar, folder, each) for each in _objects(folder)) if folder is not None else None
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    return Written(file.stat().st_size, count)


def read(database_url: str, files_url: str, file: Path) -> int:
    """Restore a backup, or a mere dump of the database; return how many objects were missing and are back.

    Raises ``LaunchError``: the database is then as it was.
    """
    if not file.is_file() or not tarfile.is_tarfile(file):
        backup.restore(database_url, file)
        return 0
    with tarfile.open(file) as tar, tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".restore-") as room:
        if _DUMP not in tar.getnames():
            raise LaunchError(f"不是备份文件：{file}", f"This is not a backup: {file}", "./patrol backup FILE")
        back = sum(_put_back(tar, member, files_url) for member in tar if member.isfile() and member.name != _DUMP)
        tar.extract(_DUMP, room, filter="data")
        backup.restore(database_url, Path(room, _DUMP))
    return back


def folder_of(files_url: str) -> Path | None:
    """Return the folder that attachments lie in; None where they lie in a store elsewhere."""
    parts = urlsplit(files_url)
    return Path(unquote(parts.path)) if parts.scheme in ("", "file") else None


def _objects(folder: Path) -> Iterator[Path]:
    """Yield whole objects; what begins with a point is being written."""
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in sorted(names) if not name.startswith("."))


def _added(tar: tarfile.TarFile, folder: Path, each: Path) -> bool:
    try:
        tar.add(each, f"{_FILES}/{each.relative_to(folder).as_posix()}")
    except FileNotFoundError:
        return False  # it was taken out meanwhile: what the dump names is not taken out
    return True


def _put_back(tar: tarfile.TarFile, member: tarfile.TarInfo, files_url: str) -> bool:
    path = PurePosixPath(member.name)
    if path.parts[0] != _FILES or ".." in path.parts or path.is_absolute():
        raise LaunchError(f"备份中有不该有的文件：{member.name}", f"A file that no backup has: {member.name}", "")
    store, key = open_store(files_url), "/".join(path.parts[1:])
    if store.fs.exists(f"{store.root}/{key}"):
        return False
    content = tar.extractfile(member)
    if content is None:
        raise AssertionError
    store.put(key, content.read())
    return True
