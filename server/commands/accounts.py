"""The commands on accounts: `./patrol enrol` and `./patrol user`. They call one service and print.

Whoever has the machine's command line is the operator, who may everything. Must not know how people, codes or
passwords are stored.
"""

import datetime as dt
import io
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import segno
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from server.accounts import people, roster
from server.accounts.authority import Actor
from server.accounts.errors import AccountError
from server.accounts.people import Newcomer
from server.accounts.service import enrol_worker
from server.api.enrolments import enrolment_url
from server.config import Config
from server.http.problems import TABLE


def enrol(*, worker: str, as_json: bool = False) -> int:
    """Print a code that enrols one phone of a worker, as JSON or with a QR code to scan."""

    def work(session: Session, config: Config) -> str:
        code = enrol_worker(session, worker, now=dt.datetime.now(dt.UTC), ttl=config.enrolment_ttl)
        url, expires_at = enrolment_url(config.public_url, code.text), code.expires_at.isoformat()
        if as_json:
            return json.dumps({"code": code.text, "url": url, "expires_at": expires_at})
        picture = io.StringIO()
        segno.make(url, error="m").terminal(out=picture, compact=True)
        return f"{picture.getvalue()}\n{worker}  {code.text}\n{url}\n有效至 valid until {expires_at}"

    return _run(work)


def user_add(*, login: str, role: str, area: str, name: str = "") -> int:
    """Add a person with a first role in an area (for a handler: in an organisation); print the password once."""

    def work(session: Session, _config: Config) -> str:
        newcomer = Newcomer(login, name, people.new_password())
        person = people.add(session, Actor.operator(), newcomer, role=role, place=area, now=_now())
        return _password(person.login, newcomer.password)

    return _run(work)


def user_role(*, login: str, role: str, area: str) -> int:
    """Give a person a further role; the password stays what it is."""

    def work(session: Session, _config: Config) -> str:
        person = people.known_person(session, login)
        people.give_role(session, Actor.operator(), person, role=role, place=area, now=_now())
        return _line(_entry(session, person.login))

    return _run(work)


def user_end_role(*, login: str, role: str, area: str) -> int:
    """End a role now."""

    def work(session: Session, _config: Config) -> str:
        person = people.known_person(session, login)
        people.end_role(session, Actor.operator(), person, role=role, place=area, now=_now())
        return _line(_entry(session, person.login))

    return _run(work)


def user_password(*, login: str, devices: bool = False) -> int:
    """Give a person another password and print it once; whatever they were signed in with ends."""
    password = people.new_password()

    def work(session: Session, _config: Config) -> str:
        person = people.known_person(session, login)
        people.reset_password(session, Actor.operator(), person, password, devices=devices, now=_now())
        return _password(person.login, password)

    return _run(work)


def user_block(*, login: str, reason: str = "") -> int:
    """Let a person in nowhere any more."""
    return _tend(people.block, login, reason=reason)


def user_unblock(*, login: str) -> int:
    """Let a blocked person in again."""
    return _tend(people.unblock, login)


def user_sign_out(*, login: str, devices: bool = False) -> int:
    """End whatever a person is signed in with."""
    return _tend(people.sign_out_everywhere, login, devices=devices)


def user_list(*, area: str = "", role: str = "", words: str = "", as_json: bool = False) -> int:
    """Print all people, or those of an area, a role or whose login or name holds some words."""

    def work(session: Session, _config: Config) -> str:
        search = roster.Search(area=area, role=role, words=words, limit=_MOST_LISTED)
        found = roster.listed(session, Actor.operator(), search, now=_now())
        return _json([_told(each) for each in found]) if as_json else "\n".join(_line(each) for each in found)

    return _run(work)


def user_show(*, login: str, as_json: bool = False) -> int:
    """Print one person: roles, what lets in, and what was done to the account."""

    def work(session: Session, _config: Config) -> str:
        entry = _entry(session, people.known_person(session, login).login)
        done = roster.events(session, entry.id)
        if as_json:
            return _json(_told(entry) | {"events": [asdict(each) for each in done]})
        roles = [f"  {each['role']:<14} {each['area']}  {each['name'] or ''}" for each in entry.roles]
        let_in = (("会话 sessions", entry.sessions), ("应用密码 passwords", entry.app_passwords))
        holds = "  ".join(f"{what} {count}" for what, count in (*let_in, ("手机 phones", entry.devices)))
        events = [f"  {each.at:%Y-%m-%d %H:%M}  {each.what:<17} {each.by or '-'}  {each.source}" for each in done]
        return "\n".join((_line(entry), *roles, f"  {holds}", *events))

    return _run(work)


_MOST_LISTED = 100_000


def _tend(act: Callable[..., None], login: str, **options: Any) -> int:
    def work(session: Session, _config: Config) -> str:
        person = people.known_person(session, login)
        act(session, Actor.operator(), person, **options, now=_now())
        return _line(_entry(session, person.login))

    return _run(work)


def _entry(session: Session, login: str) -> roster.RosterEntry:
    return roster.listed(session, Actor.operator(), roster.Search(login=login), now=_now())[0]


def _line(entry: roster.RosterEntry) -> str:
    roles = "  ".join(f"{each['role']}@{each['area']}" for each in entry.roles) or "-"
    state = "" if entry.is_active else "  已停用 blocked"
    return f"{entry.login:<24} {entry.name}{state}  {roles}"


def _told(entry: roster.RosterEntry) -> dict[str, Any]:
    return {name: value for name, value in asdict(entry).items() if name != "id"}


def _json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1, default=str)


def _password(login: str, password: str | None) -> str:
    return f"{login}  {password}\n密码只显示这一次 · the password is shown this once"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _run(work: Callable[[Session, Config], str]) -> int:
    """Do it in one transaction and print what it says; say in both languages what was wrong instead."""
    config = Config.from_environment()
    engine = create_engine(config.database_url)
    try:
        with Session(engine) as session:
            told = work(session, config)
            session.commit()
    except AccountError as error:
        entry = TABLE[error.code]
        at_fault = " ".join(f"{name}={value}" for name, value in error.data.items())
        remedy = f"  {entry.do_zh} · {entry.do_en}\n" if entry.do_zh else ""
        sys.stderr.write(f"✗ {entry.zh} · {entry.en}  {at_fault}\n{remedy}")
        return 1
    finally:
        engine.dispose()
    sys.stdout.write(f"{told}\n")
    return 0
