"""Reading a boundary file that a stranger made, in a confined child.

Owns what is handed over of a file, how much the child may use, and what its end means for the file. How a file is read
is ``geo.files.reading``'s, which nothing else here calls.
"""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, Final

import structlog

from geo.errors import UnsupportedFile
from geo.files import gdal
from geo.files.boundary_data import whole
from geo.files.formats import SHAPEFILE_PARTS
from geo.files.opening import SUFFIXES, FileLimits
from geo.files.reading import BoundaryFile, Told
from server.confined import ConfinedError, Limits, Task, run

# The largest sets of the country take minutes of a processor; what takes more was made for that. By the clock that is
# any time on a busy machine, within what the job has: who still tells how far they are is not cut off.
LIMITS: Final = Limits(
    wall_s=3000,
    quiet_s=600,
    cpu_s=600,
    memory_bytes=3 << 30,
    disk_bytes=FileLimits().unpacked_bytes,
    output_bytes=768 << 20,
)
_UNUSUAL: Final = re.compile(r"[^\w .()（）-]")

log = structlog.get_logger()


def read_boundary_file(
    path: Path, options: Mapping[str, Any], *, told: Told, limits: Limits | None = None
) -> BoundaryFile:
    """Read a file, a folder with a Shapefile, or a zip; ``options`` as ``geo.files.reading.read_boundaries``.

    Raises what that raises, and UnsupportedFile "out-of-time", "out-of-memory", "too-much-output", "unreadable" where
    the child did not come to an end.
    """
    name, files = _handed_over(path)
    arguments = {**options, "file": f"./{name}", "limits": asdict(FileLimits())}
    limits = limits or LIMITS
    task = Task("geo.files.boundary_data:read", limits, _environment())
    try:
        return whole(run(task, arguments, files, told=told))
    except ConfinedError as error:
        log.warning("a boundary file ended its reader", error=error.code, detail=error.detail)
        if error.code == "crashed":
            raise UnsupportedFile("unreadable", path.name) from error
        raise UnsupportedFile(error.code, f"{path.name}: > {_exceeded(error, limits)}") from error


def _exceeded(error: ConfinedError, limits: Limits) -> str:
    """What the child had of what it ran out of."""
    match error.code, error.detail:
        case "out-of-time", "by the clock":
            return f"{limits.wall_s:g} s"
        case "out-of-time", "without a word":
            return f"{limits.quiet_s:g} s"
        case "out-of-time", _:
            return f"{limits.cpu_s} s CPU"
        case "out-of-memory", _:
            return f"{limits.memory_bytes >> 20} MiB RAM"
        case _:
            return f"{limits.output_bytes >> 20} MiB"


@cache
def _environment() -> dict[str, str]:
    return gdal.environment()


def _handed_over(path: Path) -> tuple[str, dict[str, Path | bytes]]:
    """What to read, and the files that belong to it, by the names that they get."""
    if not path.exists():
        raise UnsupportedFile("missing", path.name)
    if path.is_dir() and path.suffix.lower() == ".gdb":
        return f"{_usual(path.stem)}.zip", {f"{_usual(path.stem)}.zip": _zipped(path)}
    if path.is_dir():
        return ".", _bounded([file for file in sorted(path.iterdir()) if file.suffix.lower() in SUFFIXES])
    files = [path]
    if path.suffix.lower() == ".shp":
        beside = path.parent.glob(f"{_literal(path.stem)}.*")
        files = [file for file in sorted(beside) if file.suffix.lower() in SHAPEFILE_PARTS]
    return _usual(path.name), _bounded(files)


def _bounded(files: Sequence[Path]) -> dict[str, Path | bytes]:
    size = sum(file.stat().st_size for file in files if file.is_file())
    if size > FileLimits().file_bytes:
        raise UnsupportedFile("too-large", f"{size} > {FileLimits().file_bytes} bytes")
    return {_usual(file.name): file for file in files if file.is_file()}


def _zipped(folder: Path) -> bytes:
    """A file geodatabase, which is a folder, as its senders put it into one file."""
    files = _bounded(sorted(folder.iterdir()))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, file in files.items():
            archive.writestr(f"{folder.name}/{name}", file if isinstance(file, bytes) else file.read_bytes())
    return content.getvalue()


def _literal(stem: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", stem)


def _usual(name: str) -> str:
    """A name that no library takes for anything but a file's."""
    return _UNUSUAL.sub("_", name)
