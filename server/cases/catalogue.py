"""The catalogue: 10 first levels and 60 categories with their limits, and the bodies that handle them by default.

Owns reading ``data/categories.json`` and putting it into the database, and what routing needs of it. Must not know
issues, rules or Flask; the catalogue over time is ``server.cases.catalogues``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import and_, false, func, not_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.accounts.tables import Organisation
from server.cases.calendars.calendar import Limit
from server.cases.case import Body, Terms
from server.cases.errors import InvalidCatalogue
from sync.collections.categories import Category

CATALOGUE = Path(__file__).parent / "data" / "categories.json"


# A city that has ever had a condition of this category and number has its own.
_ADD_CONDITION = text("""
    INSERT INTO filing_condition (category, number, name_zh, name_en, close_when, close_when_en,
                                  limit_value, limit_unit, during)
    SELECT :category, :number, :zh, :en, :close_zh, :close_en, :value, :unit, '(,)'
    WHERE NOT EXISTS (SELECT FROM filing_condition WHERE category = :category AND number = :number)
""")


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many bodies and categories were written; those that the city had already are left as they are."""

    bodies: int
    categories: int


def load_catalogue(session: Session, path: Path = CATALOGUE, *, overwrite: bool = False) -> Loaded:
    """Put the catalogue into the database, with the bodies that it names. Loading it twice changes nothing.

    What a city has set for itself stands, unless ``overwrite`` asks for the catalogue's own values. Raises
    ``InvalidCatalogue`` naming the first row that is wrong.
    """
    catalogue = json.loads(path.read_text(encoding="utf-8"))
    bodies = [_body_row(each) for each in catalogue["bodies"]]
    categories = [_category_row(each) for each in catalogue["categories"]]
    _check(categories, {body["code"] for body in bodies})
    written = session.execute(
        insert(Organisation).on_conflict_do_nothing(index_elements=["code"]).returning(Organisation.id), bodies
    ).all()
    statement = insert(Category).values(categories)
    if overwrite:
        fresh = {name: statement.excluded[name] for name in categories[0] if name not in ("code", "is_active")}
        statement = statement.on_conflict_do_update(index_elements=["code"], set_=fresh)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=["code"])
    rows = session.execute(statement.returning(Category.code)).all()
    conditions = [row for each in catalogue["categories"] for row in _condition_rows(each)]
    if conditions:
        session.execute(_ADD_CONDITION, conditions)
    return Loaded(bodies=len(written), categories=len(rows))


def read_terms(session: Session) -> dict[str, Terms]:
    """Return what routing needs of every category, by code; of retired ones too: their open cases go on."""
    # One that is still to come has ended before it begins; one that always was has no beginning.
    is_to_come = and_(not_(Category.is_active), func.coalesce(Category.valid_until < Category.valid_from, false()))
    rows = session.execute(select(Category).where(not_(is_to_come))).scalars()
    return {row.code: _terms(row) for row in rows}


def read_bodies(session: Session) -> list[Body]:
    """Return every organisation, as routing speaks of it."""
    rows = session.execute(select(Organisation.id, Organisation.code, Organisation.name, Organisation.name_en))
    return [Body(row.id, row.code, row.name, row.name_en or row.name) for row in rows]


def _terms(row: Category) -> Terms:
    limit = Limit(row.limit_value, row.limit_unit) if row.limit_value and row.limit_unit else None  # type: ignore[arg-type]  # the database checks the unit
    return Terms(
        code=row.code,
        parent=row.parent_code,
        zh=row.name_zh,
        en=row.name_en,
        limit=limit,
        default_body=row.default_body,
        assisting=tuple(code for code in row.assisting_bodies.split(",") if code),
        tier=row.lowest_tier,
        is_private=row.is_private,
        intake=row.intake,
    )


def _condition_rows(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the filing conditions of one row of the file."""
    return [
        {
            "category": given["code"],
            "number": each["number"],
            "zh": each["zh"],
            "en": each["en"],
            "close_zh": each["close_when"]["zh"],
            "close_en": each["close_when"]["en"],
            "value": each["limit"]["value"],
            "unit": each["limit"]["unit"],
        }
        for each in given.get("conditions", ())
    ]


def _body_row(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"code": given["code"], "kind": given["kind"], "name": given["zh"], "name_en": given["en"]}


def _category_row(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return one row of the file as a row of the table; a first level leaves most of it out."""
    code = given["code"]
    limit, duplicate = given.get("limit") or {}, given.get("duplicate") or {}
    return {
        "code": code,
        "parent_code": code[:2] if len(code) > 2 else None,  # noqa: PLR2004  # a code is two digits and two digits
        "name_zh": given["zh"],
        "name_en": given["en"],
        "sort": given["sort"],
        "file_when": given.get("file_when", {}).get("zh", ""),
        "file_when_en": given.get("file_when", {}).get("en", ""),
        "close_when": given.get("close_when", {}).get("zh", ""),
        "close_when_en": given.get("close_when", {}).get("en", ""),
        "limit_value": limit.get("value"),
        "limit_unit": limit.get("unit"),
        "response_h": given.get("response_h"),
        "lowest_tier": given.get("lowest_tier", "community"),
        "default_body": given["default_body"],
        "assisting_bodies": ",".join(given.get("assisting", ())),
        "photo_rule": given.get("photo_rule", "none"),
        "duplicate_radius_m": duplicate.get("radius_m"),
        "duplicate_window_h": duplicate.get("window_h"),
        "intake": given.get("intake", "auto"),
        "is_night": given.get("night", False),
        "gbt_code": given.get("gbt_code"),
        "is_private": given["private"],
        "is_active": True,
    }


def _check(categories: Sequence[Mapping[str, Any]], bodies: set[str]) -> None:
    seen: set[str] = set()
    for each in categories:
        named = {each["default_body"], *filter(None, each["assisting_bodies"].split(","))}
        if each["code"] in seen:
            raise InvalidCatalogue(each["code"], "twice")
        if missing := named - bodies:
            raise InvalidCatalogue(each["code"], f"bodies unknown: {', '.join(sorted(missing))}")
        seen.add(each["code"])
    for each in categories:
        if each["parent_code"] is not None and each["parent_code"] not in seen:
            raise InvalidCatalogue(each["code"], "no first level")
