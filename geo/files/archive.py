"""Unpacking zip files that strangers made.

Owns what may come out of an archive and how much of it. Must not know what the files hold. Members are written under
names of our own making, so that no name in the archive ever reaches the file system.
"""

import re
import shutil
import stat
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from geo.errors import UnsupportedFile

_CHUNK_BYTES: Final = 1 << 20
_UTF8_NAME: Final = 0x800
_ENCRYPTED: Final = 0x1
_SUSPICIOUS_RATIO: Final = 200
_SMALL_BYTES: Final = 10 << 20
_IN_DATABASE: Final = re.compile(r"[A-Za-z0-9_]{1,40}(\.[a-z]{1,20})?")


@dataclass(frozen=True)
class ArchiveLimits:
    """How much an archive may hold, unpacked, and in how many members."""

    unpacked_bytes: int
    members: int


def unpack(archive: Path, folder: Path, suffixes: frozenset[str], limits: ArchiveLimits) -> dict[str, Path]:
    """Write the members with these suffixes (lower case, with the dot) into a folder.

    Members whose names differ only in the suffix stay together. Returns, for each such group, its name in the archive
    and the path without suffix. Raises UnsupportedFile: "damaged", "encrypted", "too-many-members", "unsafe-path",
    "bomb".
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = list(_wanted(opened, suffixes, limits))
            groups: dict[str, Path] = {}
            for name, info in members:
                inside = _database_of(name)
                group = groups.setdefault(str((inside or name).with_suffix("")), folder / f"layer{len(groups)}")
                target = group.with_suffix(name.suffix.lower())
                if inside is not None:
                    group.with_suffix(".gdb").mkdir(exist_ok=True)
                    target = group.with_suffix(".gdb") / name.name
                # zipfile stops at the size that the archive declares, so that what was added up is all there is.
                with opened.open(info) as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink, _CHUNK_BYTES)
            return groups
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, ValueError) as error:
        raise UnsupportedFile("damaged", archive.name) from error


def _wanted(
    archive: zipfile.ZipFile, suffixes: frozenset[str], limits: ArchiveLimits
) -> Iterator[tuple[PurePosixPath, zipfile.ZipInfo]]:
    infos = archive.infolist()
    if len(infos) > limits.members:
        raise UnsupportedFile("too-many-members", f"{len(infos)} > {limits.members}")
    if sum(info.file_size for info in infos) > limits.unpacked_bytes:
        raise UnsupportedFile("bomb", archive.filename)
    for info in infos:
        name = PurePosixPath(_name(info).replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in name.parts[0] or stat.S_ISLNK(info.external_attr >> 16):
            raise UnsupportedFile("unsafe-path", str(name))
        hidden = any(part.startswith((".", "__MACOSX")) for part in name.parts)
        if info.is_dir() or hidden or (name.suffix.lower() not in suffixes and _database_of(name) is None):
            continue
        if info.flag_bits & _ENCRYPTED:
            raise UnsupportedFile("encrypted", str(name))
        if info.file_size > _SMALL_BYTES and info.file_size > _SUSPICIOUS_RATIO * info.compress_size:
            raise UnsupportedFile("bomb", str(name))
        yield name, info


def _database_of(name: PurePosixPath) -> PurePosixPath | None:
    """The folder that is a file geodatabase, where the member lies in one under a name that these have."""
    is_inside = name.parent.suffix.lower() == ".gdb" and _IN_DATABASE.fullmatch(name.name) is not None
    return name.parent if is_inside else None


def _name(info: zipfile.ZipInfo) -> str:
    """The member's name; Chinese Windows writes it in GBK without saying so."""
    if not info.flag_bits & _UTF8_NAME:
        with suppress(UnicodeError):
            return info.filename.encode("cp437").decode("gb18030")
    return info.filename
