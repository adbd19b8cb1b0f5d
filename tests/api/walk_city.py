"""The city of the walk over all routes: who calls, what lies where, and the words planted in it that some may not read.

Two grids, A (west) and B (east), of one county. Who may read which word is said here by roles and areas alone, by
hand and again: nothing of the product's own rules is asked.
"""

import base64
import datetime as dt
import json
import secrets
import uuid
from dataclasses import dataclass, field

from sqlalchemy import text

from geo.editions.ground import load_ground
from server.attachments.finishing import served_key
from server.attachments.store import open_store
from server.cases.routing.service import route_awaiting
from tests.api.staff import Desk
from tests.cases import city
from tests.cases.city import EAST, WEST

COUNTY, COMMUNITY = "360725", "360725100001"
AREAS = {"A": WEST, "B": EAST}
SPOTS = {"A": (114.30456789, 25.68512345), "B": (114.31543219, 25.68598765)}
RULING = ("supervisor", "dispatcher", "admin")


@dataclass
class Caller:
    """Somebody who calls. ``holds``: (role, area) today, the area A, B or city; ``works``: areas of a phone."""

    name: str
    kind: str = "stranger"
    holds: tuple = ()
    works: str = ""
    body: str | None = None
    client: object = None
    headers: dict = field(default_factory=dict)
    login: str = ""
    revoked: bool = False

    def over(self, area, *roles):
        """Whether one of these roles (any, where none is named) is held over an area, or over the city."""
        return self.is_staff and any(
            (not roles or role in roles) and place in (area, "city") for role, place in self.holds
        )

    def somewhere(self, *roles):
        return self.is_staff and any(role in roles for role, _ in self.holds)

    @property
    def is_staff(self):
        return self.kind in ("staff", "program")

    @property
    def is_phone(self):
        return self.kind == "phone" and not self.revoked


STAFF = {
    "worker of A": [("grid_worker", "A")],
    "head of A": [("grid_head", "A")],
    "supervisor of A": [("supervisor", "A")],
    "supervisor of B": [("supervisor", "B")],
    "supervisor of A until today": [],
    "gis of A": [("gis", "A")],
    "gis of the city": [("gis", "city")],
    "auditor of the city": [("auditor", "city")],
    "dispatcher of A": [("dispatcher", "A")],
    "dispatcher of the city": [("dispatcher", "city")],
    "admin of B": [("admin", "B")],
    "admin of the city": [("admin", "city")],
    "dispatcher and gis of A who audits the city": [("dispatcher", "A"), ("gis", "A"), ("auditor", "city")],
}
PLACES = {"A": WEST, "B": EAST, "city": COUNTY}
LEFT = "supervisor of A until today"


@dataclass
class City:
    """What lies there: ids by kind and area, and the planted words, each with who may read it."""

    callers: dict
    ids: dict
    words: dict
    written: list = field(default_factory=list)


def build(app, session, phone_of):
    callers = {"a stranger": Caller("a stranger", client=app.test_client())}
    for name, holds in STAFF.items():
        callers[name] = _staff(app, session, name, holds)
    for body in ("chengguan", "sifa"):
        desk = Desk.of(app, session, "handler", body)
        callers[body] = _signed_in(app, body, (("handler", body),), desk, body)
    for name in ("gis of A", "gis of the city", "supervisor of A"):
        callers[f"a program of {name}"] = _program(app, callers[name])
    phones = _phones(session, phone_of, callers)
    ids, words = {}, {}
    for area in AREAS:
        _plant(session, area, phones, ids, words)
    _route(session, ids)
    _open_matters(session, app, callers, ids, words)
    session.commit()
    return City(callers, ids, words)


def _staff(app, session, name, holds):
    first, *more = holds or [("supervisor", "A")]
    desk = Desk.of(app, session, first[0], PLACES[first[1]])
    for role, place in more:
        assign(session, desk.login, role, PLACES[place])
    if name == LEFT:
        end(session, desk.login)
    return _signed_in(app, name, tuple(holds), desk)


def _signed_in(app, name, holds, desk, body=None):
    """Somebody signed in, whose cookie no answer takes away."""
    cookie = desk.client.get_cookie("patrol_session").value
    headers = {"X-CSRF-Token": desk.csrf, "Cookie": f"patrol_session={cookie}"}
    return Caller(name, "staff", holds, "", body, app.test_client(use_cookies=False), headers, desk.login)


def _program(app, of):
    made = of.client.post("/v1/session/passwords", json={"name": "QGIS"}, headers=of.headers)
    assert made.status_code == 201, made.text
    basic = base64.b64encode(f"{of.login}:{made.json['secret']}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    return Caller(f"a program of {of.name}", "program", of.holds, "", None, app.test_client(), headers, of.login)


def _phones(session, phone_of, callers):
    phones = {}
    for name, areas in (
        ("author in A", "A"), ("author in B", "B"), ("colleague in A", "A"), ("revoked in A", "A"), ("moved to B", "A"),
        ("left A", "A"),
    ):  # fmt: skip
        phone = phone_of(*("west" if area == "A" else "east" for area in areas))
        phones[name] = phone
        callers[f"phone: {name}"] = Caller(
            f"phone: {name}", "phone", (), areas, None, phone.client, phone.headers, phone.login,
            revoked=name.startswith("revoked"),
        )  # fmt: skip
    session.execute(
        text("UPDATE device SET revoked_at = now() WHERE uid = :uid"), {"uid": phones["revoked in A"].device_id}
    )
    for name, works in (("moved to B", "B"), ("left A", "")):
        end(session, phones[name].login)
        callers[f"phone: {name}"].works = works
    assign(session, phones["moved to B"].login, "grid_worker", EAST)
    return phones


def _word(words, name, may):
    """Plant a word: it stands nowhere else. ``may``: whether a caller may read it."""
    words[name] = (f"mkzq{secrets.token_hex(8)}", may)
    return words[name][0]


def _plant(session, area, phones, ids, words):
    author = phones[f"author in {area}"]
    ruling = lambda caller: caller.over(area, *RULING)  # noqa: E731
    works = lambda caller: caller.is_phone and area in caller.works  # noqa: E731
    is_author = lambda caller: caller.login == author.login  # noqa: E731
    of_area = lambda caller: caller.over(area) or works(caller)  # noqa: E731
    lead = lambda body: lambda caller: caller.body == body  # noqa: E731
    duty = lambda caller: ruling(caller) or lead("sifa")(caller) or is_author(caller)  # noqa: E731
    public = lambda caller: of_area(caller) or lead("chengguan")(caller) or is_author(caller)  # noqa: E731
    field_or_ruling = lambda caller: works(caller) or ruling(caller) or is_author(caller)  # noqa: E731

    def word(name, may):
        return _word(words, f"{name} {area}", may)

    lon, lat = SPOTS[area]
    opened = author.issue((lon, lat), category="0201", description=word("issue", public))
    private = author.issue(
        (lon + 2e-5, lat), category="0601", description=word("private words", duty),
        address_text=word("private address", duty), tags=[word("private tag", duty)],
        extra={"电话": word("private telephone", duty)},
    )  # fmt: skip
    words[f"private place {area}"] = (f"{lon + 2e-5:.8f}".rstrip("0"), duty)
    visit = author.visit((lon, lat), note=word("visit", field_or_ruling))
    name = word("name of the worker", lambda caller: caller.over(area) or caller.body or is_author(caller))
    session.execute(text("UPDATE person SET name = :name WHERE login = :login"), {"name": name, "login": author.login})
    session.commit()
    wrong = author.visit((lon, lat), outcome="maybe", note=word("quarantined", ruling))
    assert [each["status"] for each in author.push(opened, private, visit, wrong)] == [
        "applied", "applied", "applied", "quarantined",
    ]  # fmt: skip
    session.execute(
        text("UPDATE device SET name = :name WHERE uid = :uid"),
        {"name": word("device", lambda caller: ruling(caller) or is_author(caller)), "uid": author.device_id},
    )
    kept = session.scalar(text("SELECT id FROM operation WHERE op_id = :id"), {"id": wrong["op_id"]})
    ids |= {
        ("issue", area): opened["id"], ("private", area): private["id"], ("visit", area): visit["id"],
        ("quarantined", area): kept, ("device", area): author.device_id, ("worker", area): author.login,
        ("household", area): _household(session, (lon, lat), AREAS[area], word("household", works)),
        ("task", area): _task(session, author.login, private["id"], word("task", is_author)),
        ("dispute", area): _dispute(session, opened, word("dispute", ruling)),
        ("file", area): _file(session, opened["id"], word("file", public)),
        ("private file", area): _file(session, private["id"], word("private file", duty)),
    }  # fmt: skip


def _dispute(session, put, word):
    return session.scalar(
        text("""
            INSERT INTO conflict (collection, record_id, operation_id, kind, field, standing, offered, created_at)
            SELECT 'issues', record_id, id, 'field', 'severity', CAST(:standing AS jsonb), '{"value": "low"}', now()
            FROM operation WHERE op_id = :id RETURNING id
        """),
        {"id": put["op_id"], "standing": json.dumps({"value": word})},
    )


def _household(session, at, grid, word):
    return session.scalar(
        text("""
            INSERT INTO household (id, rev, doc_rev, doc, captured_at, received_at, changed_at, position, located,
                                   grid_at_capture, grid_now, edition_at_capture)
            SELECT gen_random_uuid(), 1, 1, jsonb_build_object('building', CAST(:word AS text)), now(), now(), now(),
                   ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), 'inside', area.id, area.id, 1
            FROM area WHERE code = :grid RETURNING id::text
        """),
        {"lon": at[0], "lat": at[1], "grid": grid, "word": word},
    )


def _task(session, login, issue_id, word):
    return session.scalar(
        text("""
            INSERT INTO task (id, rev, doc_rev, doc, captured_at, received_at, changed_at, kind, title, person_id,
                              issue_id, grid_now)
            SELECT gen_random_uuid(), 1, 1, '{}', now(), now(), now(), 'check', :word, person.id, issue.id, grid_now
            FROM person, issue WHERE login = :login AND issue.id = :issue RETURNING id::text
        """),
        {"login": login, "issue": issue_id, "word": word},
    )


def _file(session, issue_id, word):
    file_id = str(uuid.uuid4())
    session.execute(
        text("""
            INSERT INTO attachment (id, rev, doc_rev, doc, author_id, captured_at, received_at, changed_at, collection,
                                    record_id, bond, media_type, served_sha256, served_size, preview, grid_now)
            SELECT :id, 1, 1, '{}', author_id, now(), now(), now(), 'issues', id, 'bound', 'image/jpeg', '\\x00',
                   :size, 'awaited', grid_now FROM issue WHERE id = :issue
        """),
        {"id": file_id, "issue": issue_id, "size": len(word)},
    )
    return file_id, word


def _route(session, ids):
    route_awaiting(session, dt.datetime.now(dt.UTC), load_ground(session, 1))
    session.execute(
        text("UPDATE issue SET assisting_ids = ARRAY[:body] WHERE id = ANY (CAST(:issues AS uuid[]))"),
        {
            "body": city.id_of(session, "organisation", "chengguan"),
            "issues": [ids["private", area] for area in AREAS],
        },
    )
    session.execute(_CALLED, {"issues": [ids["private", area] for area in AREAS]})


# As the case itself tells it.
_CALLED = text("""
    INSERT INTO case_step (id, issue_id, place, step, state_before, state, at, taken_at, body_id, source, given)
    SELECT gen_random_uuid(), issue.id, last.place + 1, 'dispatch', last.state, last.state, now(), now(), issue.body_id,
           'rule', jsonb_build_object('bodies', jsonb_build_object(
               'lead', issue.body_id, 'assisting', issue.assisting_ids
           ))
    FROM issue JOIN LATERAL (
        SELECT place, state FROM case_step WHERE issue_id = issue.id ORDER BY place DESC LIMIT 1
    ) AS last ON true
    WHERE issue.id = ANY (CAST(:issues AS uuid[]))
""")


# To whom a body leads or assists in is told by webhook, too.
_DELIVERED = text("""
    INSERT INTO delivery (id, decision_id, issue_id, organisation_id, channel, state, created_at, first_due_at)
    SELECT gen_random_uuid(), decision.id, issue.id, told.body, 'webhook', 'given_up', now(), now()
    FROM issue JOIN routing_decision AS decision ON decision.issue_id = issue.id
    CROSS JOIN unnest(array_prepend(issue.body_id, coalesce(issue.assisting_ids, '{}'))) AS told (body)
    WHERE issue.id = ANY (CAST(:issues AS uuid[]))
""")


def _open_matters(session, app, callers, ids, words):
    """Deliveries that went wrong, an endpoint, drafts, a plan, rules, an import: things that somebody is to act on."""
    by_city = lambda *roles: lambda caller: caller.over("city", *roles)  # noqa: E731
    store = open_store(app.config["PATROL"].files_url)
    for area, grid in AREAS.items():
        for kind in ("file", "private file"):
            file_id, word = ids[kind, area]
            store.put(served_key(uuid.UUID(file_id)), word.encode())
            ids[kind, area] = file_id
        told = _word(words, f"delivery {area}", lambda caller, area=area: (
            caller.over(area, "dispatcher", "admin") or caller.body == "chengguan"
        ))  # fmt: skip
        ids["delivery", area] = str(uuid.uuid4())
        session.execute(
            text("""
                INSERT INTO delivery (id, decision_id, issue_id, organisation_id, channel, state, created_at,
                                      first_due_at, last_error)
                SELECT :id, id, issue_id, body_id, 'webhook', 'given_up', now(), now(), :told
                FROM routing_decision WHERE issue_id = :issue
            """),
            {"id": ids["delivery", area], "issue": ids["issue", area], "told": told},
        )
        session.execute(_DELIVERED, {"issues": [ids["private", area]]})
        ids["plan", area] = session.scalar(
            text("""
                INSERT INTO planned_edition (name, note, due_at, planned_at, planned_by, base_edition, areas, retired)
                VALUES ('p', '', now() + interval '30 days', now(), 'test', 1, '[]', ARRAY[:grid]) RETURNING id
            """),
            {"grid": grid},
        )
        ids["rule", area] = session.scalar(
            text("""
                INSERT INTO rule (label, area_id, hours, lead_body_id, assisting_ids, created_at)
                SELECT 'r', area.id, 'any', organisation.id, '{}', now() FROM area, organisation
                WHERE area.code = :area AND organisation.code = 'chengguan' RETURNING id
            """),
            {"area": grid},
        )
    url = "https://" + _word(words, "endpoint", by_city("admin")) + ".example/"
    session.execute(
        text("""
            INSERT INTO endpoint (organisation_id, url, sealed_secret, changed_at)
            VALUES (:body, :url, '\\x00', now())
        """),
        {"body": city.id_of(session, "organisation", "chengguan"), "url": url},
    )
    for owner, code in (("gis of the city", WEST), ("gis of the city", EAST), ("gis of A", WEST)):
        ids["draft", owner, code] = _draft(session, callers[owner].login, code)
    owner = callers["gis of A"].login
    ids["import",] = str(uuid.uuid4())
    session.execute(
        text("""
            INSERT INTO boundary_import (id, person_id, login, file, asked, dry_run, state, begun_at, ended_at, outcome)
            SELECT :id, id, login, :file, '{"kind": "grid"}', true, 'done', now(), now(), '{}'
            FROM person WHERE login = :login
        """),
        {"id": ids["import",], "login": owner, "file": _word(words, "import", lambda caller: caller.login == owner)},
    )


def _draft(session, login, code):
    draft = session.scalar(
        text("INSERT INTO draft (name, base_edition, author, created_at) VALUES ('d', 1, :login, now()) RETURNING id"),
        {"login": login},
    )
    session.execute(
        text("""
            INSERT INTO draft_operation (draft_id, position, kind, parameters, author, made_at)
            VALUES (:draft, 1, 'rename', CAST(:given AS jsonb), :login, now())
        """),
        {"draft": draft, "login": login, "given": json.dumps({"code": code, "name": "新名"})},
    )
    return draft


def assign(session, login, role, area):
    session.execute(
        text("""
            INSERT INTO assignment (person_id, role, area_id, during)
            SELECT person.id, :role, area.id, tstzrange(now() - interval '1 minute', NULL)
            FROM person, area WHERE login = :login AND area.code = :area
        """),
        {"login": login, "role": role, "area": area},
    )
    session.commit()


def end(session, login):
    session.execute(
        text("""
            UPDATE assignment SET during = tstzrange(lower(during) - interval '1 hour', now())
            FROM person WHERE person.id = person_id AND login = :login
        """),
        {"login": login},
    )
    session.commit()
