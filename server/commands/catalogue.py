"""The commands on the catalogue: `./patrol catalogue export` and `import`. They call one service and print.

Must not know how versions are stored or workbooks are read. What is entered here is entered for the whole city by
whoever may run commands on the server.
"""

import datetime as dt
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from server.cases.calendars.calendar import SHANGHAI
from server.cases.catalogues import editions, workbook
from server.cases.catalogues.entries import Change
from server.cases.catalogues.fault_words import told
from server.cases.catalogues.telling import change_json
from server.cases.errors import CaseError, CasesBecomePublic, InvalidCatalogueFile
from server.cases.routing.trial import mark_changed
from server.config import Config
from server.database.ground_cache import ground_at
from server.http.problems import TABLE

_SHOWN = 40
_KINDS = {"new": "新增 new", "changed": "更改 changed", "retired": "停用 retired", "revived": "恢复 revived"}


def catalogue_export(*, file: str) -> int:
    """Write the catalogue of now as the workbook that ``catalogue_import`` takes."""
    now = dt.datetime.now(dt.UTC)

    def work(session: Session) -> str:
        found = editions.catalogue_at(session, now)
        Path(file).write_bytes(workbook.write(found.values()))
        return f"{file}  {len(found)} 个类别 categories"

    return _run(work)


def catalogue_import(
    *, file: str, since: dt.datetime | None = None, dry_run: bool = False, make_public: bool = False
) -> int:
    """Enter a workbook from now or a later day on, or say what it would change; print changes, or every fault."""
    now = dt.datetime.now(dt.UTC)
    begins = None if since is None else since.replace(tzinfo=SHANGHAI).astimezone(dt.UTC)

    def work(session: Session) -> str:
        found = workbook.read(Path(file).read_bytes())
        faults = list(found.faults) or editions.faults_in(session, found.entries, begins or now, found.rows)
        if faults:
            raise InvalidCatalogueFile([told(each) for each in faults])
        changes = editions.apply(session, found.entries, since=begins, by=None, now=now)
        public = editions.made_public(session, changes)
        if public["cases"] and not (dry_run or make_public):
            raise CasesBecomePublic(**public)
        if dry_run:
            session.rollback()
        elif begins is None:
            mark_changed(session, ground_at(session)(now), now, categories=[each.code for each in changes])
        return _entered(changes, dry_run=dry_run) + _published(public)

    return _run(work)


def _entered(changes: list[Change], *, dry_run: bool) -> str:
    head = "试算，未录入 a look, nothing was entered" if dry_run else "已录入 entered"
    lines = [line for each in changes[:_SHOWN] for line in _told(each)]
    rest = [f"  … {len(changes) - _SHOWN}"] if len(changes) > _SHOWN else []
    return "\n".join([f"{head}: {len(changes)} 个类别有变 categories change", *lines, *rest])


def _published(public: Mapping[str, Any]) -> str:
    if not public["cases"]:
        return ""
    codes = ", ".join(public["categories"])
    return f"\n  ! {codes}: {public['cases']} 件涉隐私的案件会公开 · private cases become public (--make-public)"


def _told(change: Change) -> list[str]:
    fields = change_json(change)["fields"]
    return [
        f"  {change.code}  {_KINDS[change.kind]}",
        *(f"    {each['zh']} {each['en']}: {each['before']} → {each['after']}" for each in fields),
    ]


def _run(work: Callable[[Session], str]) -> int:
    """Do it in one transaction and print what it says; in both languages what was wrong."""
    engine = create_engine(Config.from_environment().database_url)
    try:
        with Session(engine) as session:
            said = work(session)
            session.commit()
    except CaseError as error:
        entry = TABLE[error.code]
        lines = [_fault(each) for each in error.data.get("faults", ())]  # type: ignore[attr-defined]  # a list of them
        if isinstance(error, CasesBecomePublic):
            lines = [_published({"categories": error.categories, "cases": error.cases}).lstrip("\n")]
        sys.stderr.write("\n".join([f"✗ {entry.zh} · {entry.en}", *lines, ""]))
        return 1
    except OSError as error:
        sys.stderr.write(f"✗ {file_words(error)}\n")
        return 1
    finally:
        engine.dispose()
    sys.stdout.write(f"{said}\n")
    return 0


def file_words(error: OSError) -> str:
    """Return what is said of a file that cannot be read or written."""
    return f"文件无法读写 The file cannot be read or written: {error.filename}"


def _fault(fault: Mapping[str, Any]) -> str:
    where = f"{fault['sheet']}  第 {fault['row']} 行 row {fault['row']}  {fault['column']}"
    return f"  {where}: {fault['zh']} · {fault['en']}  {fault['value'] or ''}".rstrip()
