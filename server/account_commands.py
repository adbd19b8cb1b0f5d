"""The commands on accounts: `./patrol enrol` and `./patrol user add`. They call one service and print.

Must not know how people, codes or passwords are stored.
"""

import datetime as dt
import io
import json
import secrets
import sys
from collections.abc import Callable

import segno
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from server.accounts.errors import AccountError
from server.accounts.service import add_person, enrol_worker
from server.api.enrolments import enrolment_url
from server.config import Config
from server.problems import TABLE

PASSWORD_BYTES = 12


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


def user_add(*, login: str, role: str, area: str, password: str | None = None) -> int:
    """Add a person with a role in an area (for a handler: in an organisation); print the password once."""
    chosen = password or secrets.token_urlsafe(PASSWORD_BYTES)

    def work(session: Session, _config: Config) -> str:
        add_person(session, login, role=role, place=area, password=chosen, now=dt.datetime.now(dt.UTC))
        return f"{login}  {chosen}\n密码只显示这一次 · the password is shown this once"

    return _run(work)


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
        sys.stderr.write(f"✗ {entry.zh} · {entry.en}  {at_fault}\n  {entry.do_zh} · {entry.do_en}\n")
        return 1
    finally:
        engine.dispose()
    sys.stdout.write(f"{told}\n")
    return 0
