"""The demo sign-ins: passwords made once for this installation, kept in a file that only its owner reads.

Owns that file. What the passwords are hashed with belongs to ``server.accounts``.
"""

import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.accounts.signin import hash_password
from server.demo.people import Member
from sync.tables import Person

FILE_NAME = "demo-users.json"
# No letters that look alike: they are read off a terminal.
_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"


def hand_out(session: Session, folder: Path, members: Sequence[Member]) -> dict[str, str]:
    """Write the file of sign-ins, and return login -> hash of the passwords that the database has not got yet.

    A password that the file holds stays what it is; so do the sign-ins of other cities in the same database.
    """
    signing_in = [member for member in members if member.signs_in]
    users = _read(folder / FILE_NAME)
    kept = {user["login"]: user["password"] for user in users}
    passwords = {member.login: kept.get(member.login) or _password() for member in signing_in}
    there = set(session.scalars(select(Person.login).where(Person.login.in_(kept))))
    others = [user for user in users if user["login"] in there - passwords.keys()]
    _write(folder / FILE_NAME, [*_told(signing_in, passwords), *others])
    rows = session.execute(select(Person.login, Person.password_hash).where(Person.login.in_(passwords)))
    has_one = {row.login for row in rows if row.password_hash is not None}
    missing = [login for login in passwords if login not in has_one or login not in kept]
    return {login: hash_password(passwords[login]) for login in missing}


def _password() -> str:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))
    return "-".join(groups)


def _read(path: Path) -> list[dict[str, str]]:
    try:
        return list(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return []


def _told(members: Sequence[Member], passwords: dict[str, str]) -> list[dict[str, str]]:
    return [
        {"login": member.login, "password": passwords[member.login], "role": member.role, "area": member.place}
        for member in members
    ]


def _write(path: Path, users: list[dict[str, str]]) -> None:
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600, exist_ok=False)
    with draft.open("w", encoding="utf-8") as stream:
        json.dump(users, stream, ensure_ascii=False, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(path)
