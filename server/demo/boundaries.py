"""Boundaries from a file into the next edition: `./patrol import-boundaries`, and how the sample city gets its county.

Owns the step from a file's features to areas, the report that a person reads, and the decision whether the file is
taken. Reading and mending is ``geo.files``, publishing ``geo.publish``; must not know either's inside.
"""

import datetime as dt
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import shapely
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from geo.coverage import check_nesting
from geo.errors import BrokenCoverage, GeoError
from geo.files import BoundaryFeature, BoundaryFile, read_boundaries
from geo.publish import GAP_WIDTH_M, NewArea, Published, publish, put_kinds
from geo.shapes import Fault
from geo.tables import Area, AreaKind, AreaVersion
from server.config import Config
from server.demo.fault_words import REFUSED, line
from server.demo.kinds import STANDARD_KINDS
from server.problems import TABLE
from sync.flip import into_force

Say = Callable[[str], object]

# The national map writes its codes with the country's number before them.
_COUNTRY = re.compile(r"156(\d{6})")
_MOST_LINES = 200
_SAME_PLACE_M = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for: the file, the kind of its areas, and what the file does not say of itself."""

    path: Path
    kind: str
    parent: str | None = None
    name_field: str | None = None
    code_field: str | None = None
    crs: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as areas, every fault as a line, the same in short, and how many faults keep it from being taken."""

    areas: tuple[NewArea, ...]
    report: tuple[str, ...]
    summary: tuple[str, ...]
    refused: int


def import_boundaries(  # the options of the command
    *,
    file: str,
    kind: str,
    parent: str | None = None,
    name_field: str | None = None,
    code_field: str | None = None,
    crs: str | None = None,
    dry_run: bool = False,
) -> int:
    """Report the faults of a boundary file and publish its areas as the next edition; with ``dry_run`` only report.

    Returns 0 when it was taken (or would be), 1 when not; then the edition in force is as it was.
    """
    wanted = Wanted(Path(file), kind, parent, name_field, code_field, crs)
    engine = create_engine(Config.from_environment().database_url)
    try:
        with Session(engine) as session:
            done = _import(session, wanted, sys.stdout.write)
            if done is None or dry_run:
                session.rollback()
            else:
                session.commit()
    except GeoError as error:
        sys.stderr.write(refusal(error))
        return 1
    finally:
        engine.dispose()
    if done is None:
        sys.stderr.write("✗ 未导入，现行版本不变 · not imported; the edition in force is as it was\n")
        return 1
    sys.stdout.write(_told(done, dry_run=dry_run))
    return 0


def _import(session: Session, wanted: Wanted, say: Say) -> Published | None:
    """Read, report, publish and bring into force, which is the last thing; None where the file is not taken."""
    if session.scalar(select(func.count()).select_from(AreaKind)) == 0:
        put_kinds(session, STANDARD_KINDS)
    reading = read_areas(wanted)
    report = [*reading.report, *_nesting_lines(session, wanted.parent, reading.areas)]
    say("".join(f"{each}\n" for each in report))
    if reading.refused:
        return None
    name = f"导入 {wanted.path.name}"
    done = publish(session, reading.areas, by="import-boundaries", name=name, now=dt.datetime.now(dt.UTC))
    into_force(session, done, lambda: dt.datetime.now(dt.UTC))
    return done


def read_areas(wanted: Wanted) -> Reading:
    """Read a file as areas. Raises ``GeoError`` for a file that cannot be read as a whole."""
    found = read_boundaries(
        wanted.path, name_field=wanted.name_field, code_field=wanted.code_field, crs=wanted.crs, gap_width_m=GAP_WIDTH_M
    )
    unnamed = [fault for feature in found.features for fault in _unnamed(feature, found)]
    faults = [(feature.name or feature.code or "", fault) for feature in found.features for fault in feature.faults]
    faults += [("", fault) for fault in (*found.faults, *unnamed)]
    refused = [fault for _, fault in faults if fault.code in REFUSED]
    head = f"{wanted.path.name}: {len(found.features)} 个区域 areas, {found.crs}, {found.encoding}"
    areas = tuple(_area(feature, wanted) for feature in found.features if feature.code)
    return Reading(areas, (head, *_lines(faults)), (head, *_summary(faults)), len(refused))


def _area(feature: BoundaryFeature, wanted: Wanted) -> NewArea:
    code = _code(feature)
    return NewArea(code, wanted.kind, feature.name or code, wanted.parent, feature.geometry)


def _code(feature: BoundaryFeature) -> str:
    code = feature.code or ""
    national = _COUNTRY.fullmatch(code)
    return national[1] if national else code


def _unnamed(feature: BoundaryFeature, found: BoundaryFile) -> list[Fault]:
    place = feature.geometry.representative_point()
    at = {"feature": feature.index, "name": feature.name or f"#{feature.index}"}
    if not feature.code:
        return [Fault("no-code", "error", place.x, place.y, at | {"fields": list(found.fields)})]
    return [] if feature.name else [Fault("no-name", "warning", place.x, place.y, at | {"name": feature.code})]


def _lines(faults: Sequence[tuple[str, Fault]]) -> list[str]:
    """The lines of a report, the worst first."""
    worst = sorted(faults, key=lambda each: ("error", "warning", "note").index(each[1].severity))
    lines = [line(fault, of=name) for name, fault in worst]
    codeless = next((fault for _, fault in faults if fault.code == "no-code"), None)
    if codeless is not None:
        fields = ", ".join(str(field) for field in codeless.detail.get("fields", ()))  # type: ignore[attr-defined]
        lines.append(f"  → 用 --code-field 指定编码字段 · name the field of the codes with --code-field: {fields}")
    return lines


def _summary(faults: Sequence[tuple[str, Fault]]) -> list[str]:
    """One line for each sort of fault of each area: the first of them, and how many there are."""
    alike: dict[tuple[str, str], list[Fault]] = {}
    for name, fault in faults:
        alike.setdefault((name, fault.code), []).append(fault)
    return [
        line(found[0], of=name) + (f"  共 {len(found)} 处 · {len(found)} places" if len(found) > 1 else "")
        for (name, _), found in alike.items()
    ]


def _nesting_lines(session: Session, parent: str | None, areas: Sequence[NewArea]) -> list[str]:
    """Where areas reach out of their parent. It is told, not refused: outlines of two makers never agree."""
    if parent is None or not areas:
        return []
    outer = session.scalar(
        select(AreaVersion.polygon.ST_AsBinary())
        .join(Area, Area.id == AreaVersion.area_id)
        .where(Area.code == parent, func.upper_inf(AreaVersion.editions))
    )
    if outer is None:
        return []
    polygons = [area.polygon for area in areas]
    findings = check_nesting(polygons, [shapely.from_wkb(bytes(outer))], [0] * len(areas), _SAME_PLACE_M)
    lines = []
    for finding in findings:
        place = finding.geometry.representative_point()
        detail = {"area_m2": round(finding.area_m2, 1), "width_m": round(finding.width_m, 2)}
        of = areas[finding.members[0]].name if finding.members else parent
        lines.append(line(Fault(finding.code, "warning", place.x, place.y, detail), of=of))
    return lines


def refusal(error: GeoError) -> str:
    """Return what a person at the terminal is told of an error: what, where, and what to do."""
    entry = TABLE[error.code]
    lines = [f"✗ {entry.zh} · {entry.en}"]
    if isinstance(error, BrokenCoverage):
        lines += [_coverage_line(fault) for fault in error.faults[:_MOST_LINES]]
    else:
        lines.append("  " + "  ".join(f"{name}={value}" for name, value in error.data.items()))
    if entry.do_zh:
        lines.append(f"  → {entry.do_zh} · {entry.do_en}")
    lines.append("  现行版本不变 · the edition in force is as it was")
    return "\n".join(lines) + "\n"


def _coverage_line(fault: dict[str, object]) -> str:
    detail = {"area_m2": fault["area_m2"], "width_m": fault["width_m"], "names": fault["areas"]}
    lon, lat = float(str(fault["lon"])), float(str(fault["lat"]))
    return line(Fault(str(fault["code"]), "error", lon, lat, detail))


def _told(done: Published, *, dry_run: bool) -> str:
    counts = f"新增 {len(done.added)} added, 变更 {len(done.changed)} changed, 未变 {done.unchanged} unchanged"
    if not done.is_new:
        return f"✓ 没有变化 · nothing new ({counts})\n"
    if dry_run:
        return f"✓ 可以导入；未作改动 · it can be imported; nothing was changed ({counts})\n"
    return f"✓ 第 {done.number} 版生效 · edition {done.number} is in force ({counts})\n"
