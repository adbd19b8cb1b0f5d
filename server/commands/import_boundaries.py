"""`./patrol import-boundaries`: boundaries from a file into the next edition, at the terminal.

Owns what a person at the terminal is told. Reading is ``server.grids.imports.parse``, taking
``server.grids.imports.apply``.
"""

import datetime as dt
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from geo.editions.publish import Published
from geo.errors import BrokenCoverage, GeoError
from geo.files.reading import Told
from geo.geometry.shapes import Fault
from server.config import Config
from server.grids.errors import DraftError, GateClosed
from server.grids.imports.apply import beside_standing, ensure_kinds, put_into_edition, require_askable, settle
from server.grids.imports.fault_report import MARKS
from server.grids.imports.fault_words import REASONS, line
from server.grids.imports.parse import Wanted, read_areas
from server.http.problems import TABLE
from server.texts.reasons import REASON_WORDS
from sync.redraw.cutover import into_force

Say = Callable[[str], object]

_MOST_LINES = 200
_TELL_EVERY_S: Final = 1.0
_OF_CLASH: Final = ("reason", "area", "detail")
_STEPS: Final = {
    "read": ("已读取要素", "features read"),
    "mended": ("已检查形状", "shapes looked at"),
    "checked": ("已核对邻接", "checked against their neighbours"),
    "storing": ("正在写入", "being stored"),
}


def import_boundaries(  # noqa: PLR0913  # the options of the command
    *,
    file: str,
    kind: str,
    parent: str | None = None,
    name_field: str | None = None,
    code_field: str | None = None,
    parent_field: str | None = None,
    crs: str | None = None,
    encoding: str | None = None,
    layer: str | None = None,
    root: bool = False,
    dry_run: bool = False,
) -> int:
    """Report the faults of a boundary file and publish its areas as the next edition; with ``dry_run`` only report.

    Returns 0 when it was taken (or would be), 1 when not; then the edition in force is as it was.
    """
    wanted = Wanted(Path(file), kind, parent, name_field, code_field, parent_field, crs, encoding, layer)
    engine = create_engine(Config.from_environment().database_url)
    try:
        with Session(engine) as session:
            done = _import(session, wanted, sys.stdout.write, progress(sys.stderr.write), new_root=root)
            if done is None or dry_run:
                session.rollback()
            else:
                session.commit()
    except (GeoError, DraftError) as error:
        sys.stderr.write(refusal(error))
        return 1
    finally:
        engine.dispose()
    if done is None:
        sys.stderr.write("✗ 未导入，现行版本不变 · not imported; the edition in force is as it was\n")
        return 1
    sys.stdout.write(_told(done, dry_run=dry_run))
    return 0


def progress(say: Say, clock: Callable[[], float] = time.monotonic) -> Told:
    """Return what says, now and then, how far an import is; of one that takes a moment it says nothing.

    ``clock``: seconds that only grow.
    """
    began = clock()
    said: dict[str, float] = {}

    def told(step: str, count: int) -> None:
        now = clock()
        if now - said.get(step, began) >= _TELL_EVERY_S:
            said[step] = now
            zh, en = _STEPS[step]
            say(f"▸ {zh} · {en}: {count:,}\n")

    return told


def _import(session: Session, wanted: Wanted, say: Say, told: Told, *, new_root: bool) -> Published | None:
    """Read, report, publish and bring into force, which is the last thing; None where the file is not taken.

    The first statement comes after the file was read: no transaction waits for it.
    """
    reading = read_areas(wanted, told)
    ensure_kinds(session)
    require_askable(session, wanted.kind, wanted.parent, None)
    reading = beside_standing(session, reading, wanted.kind, wanted.parent, new_root=new_root)
    say("".join(f"{each}\n" for each in reading.report))
    if reading.refused:
        return None
    told("storing", len(reading.areas))
    settled = settle(session, wanted.kind, reading.areas)
    now = dt.datetime.now(dt.UTC)
    done = put_into_edition(session, settled, by="import-boundaries", name=f"导入 {wanted.path.name}", now=now)
    into_force(session, done, lambda: dt.datetime.now(dt.UTC))
    return done


def refusal(error: GeoError | DraftError) -> str:
    """Return what a person at the terminal is told of an error: what, where, and what to do."""
    entry = TABLE[error.code]
    lines = [f"✗ {entry.zh} · {entry.en}"]
    if isinstance(error, BrokenCoverage):
        lines += [_coverage_line(fault) for fault in error.faults[:_MOST_LINES]]
    elif isinstance(error, GateClosed):
        texts = [finding["properties"]["text"] for finding in error.findings[:_MOST_LINES]]
        lines += [f"  {each['zh']} · {each['en']}" for each in texts]
    else:
        lines += _particulars(error)
    if entry.do_zh:
        lines.append(f"  → {entry.do_zh} · {entry.do_en}")
    lines.append("  现行版本不变 · the edition in force is as it was")
    return "\n".join(lines) + "\n"


def _particulars(error: GeoError | DraftError) -> list[str]:
    """What the error carries, what its reason means and what to do, and each clash where there are several."""
    data = dict(error.data)
    clashes = data.pop("clashes", None)
    told = [data] if not isinstance(clashes, list) else [dict(zip(_OF_CLASH, clash, strict=True)) for clash in clashes]
    lines = []
    for each in told[:_MOST_LINES]:
        reason = str(each.get("reason"))
        words = REASON_WORDS.get((error.code, reason)) or REASONS.get(reason)
        facts = "  ".join(f"{name}={_written(value)}" for name, value in each.items() if value is not None)
        lines.append(f"  {facts}" + (f"  {words[0]} · {words[1]}" if words else ""))
    if len(told) > _MOST_LINES:
        lines.append(f"  … 另有 {len(told) - _MOST_LINES} 处 · {len(told) - _MOST_LINES} more")
    return lines


def _written(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _coverage_line(fault: dict[str, object]) -> str:
    detail = {"area_m2": fault["area_m2"], "width_m": fault["width_m"], "names": fault["areas"]}
    lon, lat = float(str(fault["lon"])), float(str(fault["lat"]))
    return line(Fault(str(fault["code"]), "error", lon, lat, detail), MARKS["refused"])


def _told(done: Published, *, dry_run: bool) -> str:
    counts = f"新增 {len(done.added)} added, 变更 {len(done.changed)} changed, 未变 {done.unchanged} unchanged"
    if not done.is_new:
        return f"✓ 没有变化 · nothing new ({counts})\n"
    if dry_run:
        return f"✓ 可以导入；未作改动 · it can be imported; nothing was changed ({counts})\n"
    return f"✓ 第 {done.number} 版生效 · edition {done.number} is in force ({counts})\n"
