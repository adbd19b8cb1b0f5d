"""The catalogue of any time: read as it was, is and is planned to be; changed from now or from a later moment on.

Owns the rows of versions, filing conditions and bans. ``category`` is the catalogue of today: a change from now on is
written there, and a trigger keeps what was; a planned one waits as a version until ``settle_due`` brings it in. What
was is never changed: facts have been judged by it. Takes a session, never commits.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.cases.catalogues.entries import BAN, CONDITION, OWN, Change, Entry, Fault, change_of, faults_of
from server.cases.catalogues.fault_words import told
from server.cases.errors import InvalidCatalogueFile
from sync.collections.categories import Category

_OWN: Final = tuple(each.name for each in OWN)
_VERSIONS = text("""
    SELECT code, terms FROM category_version
    WHERE during @> CAST(:at AS timestamptz) AND (CAST(:codes AS text[]) IS NULL OR code = ANY (CAST(:codes AS text[])))
    ORDER BY code
""")
_CONDITIONS = text("""
    SELECT category, number, name_zh, name_en, limit_value, limit_unit, close_when, close_when_en FROM filing_condition
    WHERE during @> CAST(:at AS timestamptz) ORDER BY category, number
""")
_BANS = text("""
    SELECT ban.category, coalesce(area.code, '') AS area, ban.hours, ban.reason_zh, ban.reason_en
    FROM reporting_ban AS ban LEFT JOIN area ON area.id = ban.area_id
    WHERE ban.during @> CAST(:at AS timestamptz) ORDER BY ban.category, area, ban.hours, ban.id
""")
_EDITION = text("""
    SELECT (SELECT count(*) FROM category_version WHERE (lower(during) > :now) IS NOT TRUE)
         + (SELECT count(*) FROM filing_condition WHERE lower(during) <= :now)
         + (SELECT count(*) FROM reporting_ban WHERE lower(during) <= :now)
         + (SELECT count(*) FROM filing_condition WHERE upper(during) <= :now)
         + (SELECT count(*) FROM reporting_ban WHERE upper(during) <= :now)
""")
_HISTORY = text("""
    SELECT version.code, lower(version.during) AS since, upper(version.during) AS until, version.terms,
           version.entered_at, person.name AS entered_by
    FROM category_version AS version LEFT JOIN person ON person.id = version.entered_by
    WHERE version.code = :code ORDER BY since DESC NULLS LAST
""")
_PLANNED = text("""
    SELECT code, min(begins) AS begins FROM (
        SELECT code, lower(during) AS begins FROM category_version
        UNION ALL SELECT category, lower(during) FROM filing_condition
        UNION ALL SELECT category, lower(during) FROM reporting_ban
        UNION ALL SELECT category, upper(during) FROM filing_condition
        UNION ALL SELECT category, upper(during) FROM reporting_ban
    ) AS beginning WHERE begins > :now GROUP BY code
""")
# A version that begins cuts the one that stands then; where that began at the same moment, it takes its place.
_CUT = text("""
    UPDATE category_version SET during = tstzrange(lower(during), :at)
    WHERE code = :code AND during @> CAST(:at AS timestamptz) AND lower(during) IS DISTINCT FROM :at
    RETURNING (SELECT upper(old.during) FROM category_version AS old WHERE old.id = category_version.id)
""")
_BEGIN = text("""
    INSERT INTO category_version (code, during, terms, entered_by)
    VALUES (:code, tstzrange(:at, :until), CAST(:terms AS jsonb), :by)
""")
_TERMS_AT = text("""
    UPDATE category_version SET terms = CAST(:terms AS jsonb), entered_by = :by
    WHERE code = :code AND lower(during) = :at
""")
_SIGN = text("""
    UPDATE category_version SET entered_by = :by WHERE code = ANY (CAST(:codes AS text[])) AND lower(during) = :now
""")
_MOMENT = text("SELECT set_config('gridpatrol.moment', :now, true)")
_DUE = text("""
    SELECT version.code, version.terms, lower(version.during) AS since
    FROM category JOIN category_version AS version ON version.code = category.code
    WHERE version.during @> CAST(:now AS timestamptz) AND version.terms <> category_terms(category)
    ORDER BY version.code
""")


@dataclass(frozen=True, slots=True)
class Version:
    """What a category said from ``since`` (None: always) until ``until`` (None: still), and who entered it."""

    code: str
    since: dt.datetime | None
    until: dt.datetime | None
    terms: Mapping[str, Any]
    entered_at: dt.datetime
    entered_by: str | None


def catalogue_at(session: Session, at: dt.datetime) -> dict[str, Entry]:
    """Return the whole catalogue of a moment (aware UTC) by code, retired categories too (``is_active`` false)."""
    conditions = _by_category(session.execute(_CONDITIONS, {"at": at}), [each.name for each in CONDITION])
    bans = _by_category(session.execute(_BANS, {"at": at}), [each.name for each in BAN])
    return {
        row.code: Entry(
            row.code, _own(row.terms), tuple(conditions.get(row.code, ())), tuple(bans.get(row.code, ()))
        )
        for row in session.execute(_VERSIONS, {"at": at, "codes": None})
    }  # fmt: skip


def conditions_at(session: Session, code: str, at: dt.datetime) -> tuple[Mapping[str, Any], ...]:
    """Return the filing conditions of a category at a moment, by number."""
    found = _by_category(session.execute(_CONDITIONS, {"at": at}), [each.name for each in CONDITION])
    return tuple(found.get(code, ()))


def versions_of(session: Session, code: str) -> list[Version]:
    """Return what a category said, says and will say, the newest first."""
    rows = session.execute(_HISTORY, {"code": code})
    return [Version(row[0], row[1], row[2], _own(row[3]), row[4], row[5]) for row in rows]


def planned_from(session: Session, now: dt.datetime) -> dict[str, dt.datetime]:
    """Return by category when the next change of it that was entered begins."""
    return {row.code: row.begins for row in session.execute(_PLANNED, {"now": now})}


def edition_of(session: Session, now: dt.datetime) -> int:
    """Return a number that grows with each version that came into force: what a phone knows the catalogue by."""
    return session.scalar(_EDITION, {"now": now}) or 0


def faults_in(
    session: Session, entries: Sequence[Entry], at: dt.datetime, rows: Mapping[tuple[str, str, int], int] | None = None
) -> list[Fault]:
    """Return what is wrong with entries, held against the bodies, areas and first levels that there are."""
    return faults_of(
        entries,
        levels=[code for code in catalogue_at(session, at) if len(code) == 2],  # noqa: PLR2004  # a first level
        bodies=set(session.scalars(text("SELECT code FROM organisation WHERE retired_at IS NULL"))),
        areas=set(session.scalars(text("SELECT code FROM area"))),
        rows=rows,
    )


def changes_of(session: Session, entries: Iterable[Entry], at: dt.datetime) -> list[Change]:
    """Return what entries would change of the catalogue of a moment."""
    standing = catalogue_at(session, at)
    found = (change_of(standing.get(entry.code), entry) for entry in entries)
    return [change for change in found if change is not None]


def apply(
    session: Session, entries: Sequence[Entry], *, since: dt.datetime | None, by: int | None, now: dt.datetime
) -> list[Change]:
    """Change the catalogue from ``since`` on (None: from now); return what that changes.

    Versions planned for later stand. Raises ``InvalidCatalogueFile`` for what cannot stand, and for a past moment.
    """
    if since is not None and since < now:
        raise InvalidCatalogueFile([told(Fault("categories", 1, "from", "past"))])
    at = since or now
    if faults := faults_in(session, entries, at):
        raise InvalidCatalogueFile([told(each) for each in faults])
    changes = changes_of(session, entries, at)
    session.execute(_MOMENT, {"now": now.isoformat()})
    changed = {change.code: change for change in changes}
    for entry in sorted((entry for entry in entries if entry.code in changed), key=lambda each: each.code):
        _write_own(session, entry, since, by, now)
        if {"conditions", "bans"} & changed[entry.code].fields.keys() or changed[entry.code].kind == "new":
            _write_conditions(session, entry, at)
            _write_bans(session, entry, at)
    return changes


def settle_due(session: Session, now: dt.datetime) -> list[str]:
    """Bring into the catalogue of today what was planned for now; return the codes of what changed."""
    due = session.execute(_DUE, {"now": now}).all()
    session.execute(_MOMENT, {"now": now.isoformat()})
    for row in due:
        values = _own(row.terms)
        fresh = {} if values["is_active"] else {"valid_until": row.since}
        session.execute(update(Category).where(Category.code == row.code).values({**values, **fresh}))
    return [row.code for row in due]


def is_due(session: Session, now: dt.datetime) -> bool:
    """Return whether something planned has come."""
    return session.execute(_DUE, {"now": now}).first() is not None


def left_with(session: Session, codes: Sequence[str]) -> dict[str, Any]:
    """Return what categories that are retired leave behind: how many open cases, and the labels of their rules."""
    given = {"codes": list(codes)}
    open_cases = session.scalar(
        text("""
            SELECT count(*) FROM issue
            WHERE category = ANY (CAST(:codes AS text[])) AND closed_at IS NULL AND deleted_at IS NULL
        """),
        given,
    )
    rules = session.scalars(
        text("SELECT label FROM rule WHERE active AND category = ANY (CAST(:codes AS text[])) ORDER BY id"), given
    )
    return {"open_cases": open_cases or 0, "rules": list(rules)}


def made_public(session: Session, changes: Iterable[Change]) -> dict[str, Any]:
    """Return the categories that are private no longer, and how many cases become public with them."""
    codes = [each.code for each in changes if each.fields.get("is_private") == (True, False)]
    cases = session.scalar(
        text("""
            SELECT count(*) FROM issue
            WHERE category = ANY (CAST(:codes AS text[])) AND NOT private AND deleted_at IS NULL
        """),
        {"codes": codes},
    )
    return {"categories": codes, "cases": cases or 0}


def _own(terms: Mapping[str, Any]) -> dict[str, Any]:
    return {name: terms.get(name) for name in _OWN}


def _by_category(rows: Iterable[Any], names: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row.category, []).append({name: getattr(row, name) for name in names})
    return found


def _write_own(session: Session, entry: Entry, since: dt.datetime | None, by: int | None, now: dt.datetime) -> None:
    """Write a category from now on, or plan it."""
    values = {"parent_code": entry.code[:2] if len(entry.code) > 2 else None, **entry.own}  # noqa: PLR2004  # two and two digits
    if since is None:
        begins = {"code": entry.code, "valid_from": now}
        ends = {} if values["is_active"] else {"valid_until": now}
        statement = insert(Category).values({**begins, **values, **ends})
        session.execute(statement.on_conflict_do_update(index_elements=["code"], set_={**values, **ends}))
        session.execute(_SIGN, {"codes": [entry.code], "by": by, "now": now})
        return
    # A category that is still to come is known by its code alone, and taken from nobody.
    waiting = insert(Category).values({"code": entry.code, "valid_from": since, **values, "is_active": False})
    session.execute(waiting.on_conflict_do_nothing(index_elements=["code"]))
    terms = session.scalar(
        text("""
            SELECT category_terms(jsonb_populate_record(category, CAST(:values AS jsonb))) FROM category
            WHERE code = :code
        """),
        {"code": entry.code, "values": _json(values)},
    )
    told = {"code": entry.code, "at": since, "terms": _json(terms), "by": by}
    cut = session.execute(_CUT, told).first()
    if cut is None:
        session.execute(_TERMS_AT, told)
    else:
        session.execute(_BEGIN, {**told, "until": cut[0]})


def _write_conditions(session: Session, entry: Entry, at: dt.datetime) -> None:
    _end(session, "filing_condition", entry.code, at)
    for each in entry.conditions:
        session.execute(
            text("""
                INSERT INTO filing_condition (category, number, name_zh, name_en, limit_value, limit_unit, close_when,
                                              close_when_en, during)
                SELECT :category, :number, :name_zh, :name_en, :limit_value, :limit_unit, :close_when, :close_when_en,
                       tstzrange(:at, (SELECT min(lower(during)) FROM filing_condition
                                       WHERE category = :category AND number = :number AND lower(during) > :at))
            """),
            {**each, "category": entry.code, "at": at},
        )


def _write_bans(session: Session, entry: Entry, at: dt.datetime) -> None:
    _end(session, "reporting_ban", entry.code, at)
    for each in entry.bans:
        session.execute(
            text("""
                INSERT INTO reporting_ban (category, area_id, hours, reason_zh, reason_en, during)
                VALUES (:category, (SELECT id FROM area WHERE code = :area), :hours, :reason_zh, :reason_en,
                        tstzrange(:at, NULL))
            """),
            {**each, "category": entry.code, "at": at},
        )


def _end(session: Session, table: str, code: str, at: dt.datetime) -> None:
    """End what stands at a moment of a category's rows; what would have begun then never does."""
    here = "category = :code AND during @> CAST(:at AS timestamptz)"
    given = {"code": code, "at": at}
    session.execute(text(f"DELETE FROM {table} WHERE {here} AND lower(during) = :at"), given)  # noqa: S608  # of ours
    session.execute(text(f"UPDATE {table} SET during = tstzrange(lower(during), :at) WHERE {here}"), given)  # noqa: S608  # of ours


def _json(values: Any) -> str:
    return msgspec.json.encode(values).decode()
