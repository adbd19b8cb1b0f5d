"""What bodies call back, signed by the secret of their endpoint as Standard Webhooks has it. No step is taken here.

Owns that a call is the body's own and of now: signature and time, by any secret that holds; and that it is one call
however often it comes: under its ``webhook-id`` it has one answer. A body whose line was cut by hand, or that was
retired, calls nobody.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy.orm import Session
from standardwebhooks import Webhook, WebhookVerificationError

from server.cases.errors import CallbackIdReused, CallbackRefused
from sync.sql.statements import Statement
from sync.store.records import encode

CUT: Final = "by-hand"
ID_HEADER: Final = "webhook-id"
MOST_BYTES: Final = 2 * 1024 * 1024
KEPT_FOR: Final = timedelta(days=4)
"""How long a call is known again: longer than anybody goes on sending one (three days, by Standard Webhooks)."""

# What nobody signs with. Whom there is no secret of is refused after the same work as whoever signs wrong.
_DECOY: Final = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
_SECRETS = Statement("""
    SELECT organisation.id, endpoint.disabled_reason,
           endpoint.sealed_secret || ARRAY(
               SELECT former_secret.sealed_secret FROM former_secret
               WHERE former_secret.organisation_id = organisation.id AND until > CAST(:now AS timestamptz)
               ORDER BY until DESC
           )
    FROM organisation JOIN endpoint ON endpoint.organisation_id = organisation.id
    WHERE organisation.code = CAST(:code AS text) AND organisation.retired_at IS NULL
""")
_BEGIN = Statement("""
    INSERT INTO callback (organisation_id, id_hash, body_hash, called_at)
    VALUES (:body, :id, :hash, CAST(:now AS timestamptz))
    ON CONFLICT DO NOTHING RETURNING organisation_id
""")
_ANSWERED = Statement("SELECT body_hash, answer FROM callback WHERE organisation_id = :body AND id_hash = :id")
_KEEP = Statement("""
    UPDATE callback SET answer = CAST(CAST(:answer AS text) AS jsonb) WHERE organisation_id = :body AND id_hash = :id
""")
_FORGET = Statement("""
    DELETE FROM callback USING (
        SELECT organisation_id, id_hash FROM callback WHERE called_at < CAST(:before AS timestamptz)
        ORDER BY called_at LIMIT 100 FOR UPDATE SKIP LOCKED
    ) AS old WHERE callback.organisation_id = old.organisation_id AND callback.id_hash = old.id_hash
""")


def caller(
    session: Session, organisation: str, headers: Mapping[str, str], body: bytes, *, seal_with: Fernet, now: datetime
) -> int:
    """Return the organisation (id) that a call is of. Raises ``CallbackRefused``, the same for one that is not there.

    ``headers``: by their names in lower case. Times further from this machine's than five minutes are refused.
    """
    rows = _SECRETS.run(session, code=organisation, now=now)
    organisation_id, disabled_reason, sealed = rows[0] if rows else (None, CUT, [])
    signed = [_is_signed(each, headers, body) for each in _opened(sealed, seal_with)]
    if organisation_id is None or disabled_reason == CUT or not any(signed):
        raise CallbackRefused
    return int(organisation_id)


def begin(session: Session, organisation_id: int, call_id: str, body: bytes, now: datetime) -> dict[str, Any] | None:
    """Note that a call is being answered; return the answer where it was given before.

    Of two that come at once the second waits for the first to commit. Raises ``CallbackIdReused`` for another body
    under the id of a call that was answered.
    """
    _FORGET.send(session, before=now - KEPT_FOR)
    if _BEGIN.run(session, **_key(organisation_id, call_id), hash=_digest(body), now=now):
        return None
    return answered(session, organisation_id, call_id, body)


def answered(session: Session, organisation_id: int, call_id: str, body: bytes) -> dict[str, Any] | None:
    """Return the answer that a call was given before, None where it was given none. Raises ``CallbackIdReused``."""
    rows = _ANSWERED.run(session, **_key(organisation_id, call_id))
    if not rows:
        return None
    [(body_hash, answer)] = rows
    if bytes(body_hash) != _digest(body):
        raise CallbackIdReused(call_id)
    return dict(answer)


def keep(session: Session, organisation_id: int, call_id: str, answer: Mapping[str, Any]) -> None:
    """Keep what a call that was begun is answered."""
    _KEEP.send(session, **_key(organisation_id, call_id), answer=encode(dict(answer)))


def _key(organisation_id: int, call_id: str) -> dict[str, Any]:
    return {"body": organisation_id, "id": _digest(call_id.encode("utf-8", "surrogatepass"))}


def _opened(sealed: Sequence[bytes], seal_with: Fernet) -> list[str]:
    try:
        return [seal_with.decrypt(bytes(each)).decode() for each in sealed] or [_DECOY]
    except InvalidToken:
        return [_DECOY]


def _is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True


def _digest(sent: bytes) -> bytes:
    return hashlib.sha256(sent).digest()
