"""The roster: people as those who tend their accounts see them, their roles, and what was done to them. Only reads."""

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session, aliased

from server.accounts.authority import Actor
from server.accounts.tables import AccountEvent
from sync.access.charge import FIELD_ROLES
from sync.tables import Person


@dataclass(frozen=True, slots=True)
class Search:
    """Which people. ``area``: code of an area, with all below; ``state``: ``active``, ``blocked`` or both (empty).

    ``after``: the login that the list goes on behind; ``login``: this one alone.
    """

    area: str = ""
    role: str = ""
    words: str = ""
    state: str = ""
    after: str = ""
    login: str = ""
    limit: int = 100


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """One person. ``roles``: those held or to come that the asker may see, each with role, area, name, since, until.

    ``signs_in``: whether there is a password. ``inactive_since``: since when the person is blocked.
    """

    id: int
    login: str
    name: str
    is_active: bool
    inactive_since: dt.datetime | None
    signs_in: bool
    sessions: int
    app_passwords: int
    devices: int
    last_seen_at: dt.datetime | None
    roles: list[dict[str, Any]] = field(default_factory=list)


def listed(session: Session, actor: Actor, search: Search, *, now: dt.datetime) -> list[RosterEntry]:
    """Return people whom an actor sees, by login."""
    rows = session.execute(
        _LISTED,
        {
            "everywhere": actor.is_everywhere,
            "administered": sorted(actor.admin_ids),
            "supervised": sorted(actor.supervisor_ids),
            "workers": list(FIELD_ROLES),
            "area": search.area,
            "role": search.role,
            "words": "%" + search.words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%",
            "state": search.state,
            "after": search.after,
            "login": search.login,
            "limit": search.limit,
            "now": now,
        },
    )
    return [replace(each, roles=[_timed(role) for role in each.roles]) for each in (RosterEntry(*row) for row in rows)]


def _timed(role: dict[str, Any]) -> dict[str, Any]:
    """Return a role with its times as such; JSON has none."""
    times = {name: role[name] and dt.datetime.fromisoformat(role[name]) for name in ("since", "until")}
    return role | times


@dataclass(frozen=True, slots=True)
class Event:
    """Something done to an account: ``by`` whom (None: on the command line), when, from where."""

    id: int
    what: str
    at: dt.datetime
    by: str | None
    source: str
    detail: dict[str, Any]


def events(session: Session, person_id: int, *, before: int | None = None, limit: int = 100) -> list[Event]:
    """Return what was done to an account, the newest first; ``before``: the id that the list goes on behind."""
    actor = aliased(Person)
    found = (
        select(
            AccountEvent.id,
            AccountEvent.what,
            AccountEvent.at,
            actor.login,
            AccountEvent.source,
            AccountEvent.detail,
        )
        .outerjoin(actor, actor.id == AccountEvent.actor_id)
        .where(AccountEvent.person_id == person_id)
        .order_by(AccountEvent.id.desc())
        .limit(limit)
    )
    if before is not None:
        found = found.where(AccountEvent.id < before)
    return [Event(*row) for row in session.execute(found)]


_LISTED = text("""
    WITH RECURSIVE administered (id) AS (
        SELECT unnest(CAST(:administered AS integer[]))
        UNION SELECT area_id FROM area_version JOIN administered ON parent_id = administered.id
              WHERE upper_inf(editions)
    ), supervised (id) AS (
        SELECT unnest(CAST(:supervised AS integer[]))
        UNION SELECT area_id FROM area_version JOIN supervised ON parent_id = supervised.id WHERE upper_inf(editions)
    ), asked (id) AS (
        SELECT id FROM area WHERE code = :area
        UNION SELECT area_id FROM area_version JOIN asked ON parent_id = asked.id WHERE upper_inf(editions)
    ), held AS (
        SELECT assignment.person_id, assignment.role, assignment.during,
               coalesce(assignment.area_id, organisation.area_id) AS area_id,
               coalesce(area.code, organisation.code) AS place, coalesce(version.name, organisation.name) AS place_name
        FROM assignment
        LEFT JOIN organisation ON organisation.id = assignment.organisation_id
        LEFT JOIN area ON area.id = assignment.area_id
        LEFT JOIN area_version AS version ON version.area_id = assignment.area_id AND upper_inf(version.editions)
        WHERE upper_inf(assignment.during) OR upper(assignment.during) > :now
    ), seen AS (
        SELECT * FROM held
        WHERE :everywhere OR area_id IN (SELECT id FROM administered)
           OR (role = ANY (CAST(:workers AS text[])) AND area_id IN (SELECT id FROM supervised))
    )
    SELECT person.id, person.login, person.name, person.is_active, person.inactive_since,
           person.password_hash IS NOT NULL,
           (SELECT count(*) FROM staff_session WHERE person_id = person.id AND expires_at > :now),
           (SELECT count(*) FROM app_password WHERE person_id = person.id AND revoked_at IS NULL),
           (SELECT count(*) FROM device WHERE person_id = person.id AND revoked_at IS NULL),
           (SELECT max(last_seen_at) FROM staff_session WHERE person_id = person.id),
           coalesce((
               SELECT json_agg(json_build_object('role', role, 'area', place, 'name', place_name,
                                                 'since', lower(during), 'until', upper(during))
                               ORDER BY role, place)
               FROM seen WHERE seen.person_id = person.id
           ), '[]')
    FROM person
    WHERE (:everywhere OR EXISTS (SELECT FROM seen WHERE seen.person_id = person.id))
      AND (:area = '' OR EXISTS (SELECT FROM seen WHERE seen.person_id = person.id
                                 AND area_id IN (SELECT id FROM asked)))
      AND (:role = '' OR EXISTS (SELECT FROM seen WHERE seen.person_id = person.id AND role = :role))
      AND (person.login LIKE lower(:words) OR person.name ILIKE :words)
      AND (:state = '' OR person.is_active = (:state = 'active'))
      AND (:login = '' OR person.login = :login)
      AND person.login > :after COLLATE "C"
    ORDER BY person.login COLLATE "C" LIMIT :limit
""")
