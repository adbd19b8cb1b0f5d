"""The commands on webhooks: `./patrol webhook set` and `./patrol webhook test`. They call one service and print.

Must not know how endpoints are stored or letters are sent.
"""

import datetime as dt
import sys
from collections.abc import Callable

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from server.cases.delivery import endpoints
from server.cases.delivery.webhook import send
from server.cases.errors import CaseError
from server.config import Config
from server.http.problems import TABLE
from server.texts.reasons import REASON_WORDS


def webhook_set(*, organisation: str, url: str, rotate: bool = False) -> int:
    """Save where an organisation takes its webhooks; print the secret where one was made, this once."""

    def work(session: Session, config: Config) -> tuple[str, int]:
        endpoints.check(url, None, config.webhook_guard)
        saved = endpoints.save(
            session, organisation, url, seal_with=endpoints.seal(config.secret_key), now=dt.datetime.now(dt.UTC),
            rotate=rotate, overlap=config.webhook_overlap,
        )  # fmt: skip
        if saved.secret is None:
            return f"{organisation}  {url}\n密钥不变 · the secret stays", 0
        return f"{organisation}  {url}\n{saved.secret}\n密钥只显示这一次 · the secret is shown this once", 0

    return _run(work)


def webhook_test(*, organisation: str) -> int:
    """Send a letter to the endpoint of an organisation and print what it answers; 1 where it was not taken."""

    def work(session: Session, config: Config) -> tuple[str, int]:
        now = dt.datetime.now(dt.UTC)
        letter = endpoints.trial_letter(session, organisation, seal_with=endpoints.seal(config.secret_key), now=now)
        # Nothing was written, and no transaction is open while a stranger is waited for.
        session.rollback()
        answer = send(letter, config.webhook_guard, now)
        told = f"已送达 delivered: HTTP {answer.status_code}" if answer.error is None else f"✗ {answer.error}"
        return f"{letter.url}\nwebhook-id {letter.id}\n{told}\n{answer.excerpt}".rstrip(), int(answer.error is not None)

    return _run(work)


def _run(work: Callable[[Session, Config], tuple[str, int]]) -> int:
    """Do it in one transaction, print what it says and return its exit code; in both languages what was wrong."""
    config = Config.from_environment()
    engine = create_engine(config.database_url)
    try:
        with Session(engine) as session:
            told, code = work(session, config)
            session.commit()
    except CaseError as error:
        sys.stderr.write(_told(error))
        return 1
    finally:
        engine.dispose()
    sys.stdout.write(f"{told}\n")
    return code


def _told(error: CaseError) -> str:
    entry = TABLE[error.code]
    at_fault = " ".join(f"{name}={value}" for name, value in error.data.items())
    reason = REASON_WORDS.get((error.code, str(error.data.get("reason"))), (entry.do_zh, entry.do_en))
    return f"✗ {entry.zh} · {entry.en}  {at_fault}\n  {' · '.join(filter(None, reason))}\n"
