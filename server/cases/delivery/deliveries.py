"""Sending what waits to be sent: claim, send, note the outcome, each claim and outcome in a transaction of its own.

Owns the life of a webhook delivery: waiting -> sending -> delivered, or failed and tried again with backoff and full
jitter, or given up after three days for a person to see. No network call is made inside a transaction. A process
killed between sending and noting leaves a lease that runs out; the delivery is then sent again under the same id.

One organisation has one line: at most one delivery is on its way to it at any time, and after trouble the line rests
(a circuit), for as long as the body asks at least, so that a body that is down delays only its own. Lines are served
side by side.
"""

import random
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import text
from sqlalchemy.orm import Session

from server.cases.delivery import webhook_payload
from server.cases.delivery.destinations import Guard
from server.cases.delivery.webhook import GONE, Answer, Letter, send
from server.cases.errors import DeliveryNotRetryable, UnknownDelivery
from sync.store.dead_letters import NOT_OF_AN_ITEM, one_by_one, put, reason_of, take_back

QUEUE = "delivery"
Begin = Callable[[], AbstractContextManager[Session]]
Clock = Callable[[], datetime]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often to try. ``lease`` must be longer than one attempt can take."""

    try_for: timedelta = timedelta(days=3)
    first_delay: timedelta = timedelta(seconds=30)
    longest_delay: timedelta = timedelta(hours=6)
    longest_rest: timedelta = timedelta(minutes=10)
    lease: timedelta = timedelta(seconds=60)
    lines_at_once: int = 8


DEFAULT_PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Claim:
    """One delivery that this process is to send now. ``letter`` is None where the secret cannot be opened."""

    delivery_id: uuid.UUID
    organisation_id: int
    attempt: int
    first_due_at: datetime
    failures: int
    leased_until: datetime
    letter: Letter | None


@dataclass(frozen=True, slots=True)
class Sent:
    """What one run did. ``more``: it stopped because its time was up, not because nothing was due."""

    delivered: int = 0
    failed: int = 0
    given_up: int = 0
    more: bool = False


# Only webhooks are ever in one of the three states that wait for something: a desk is told at once.
_LINES = text("""
    SELECT organisation_id FROM endpoint
    WHERE active AND coalesce(leased_until, '-infinity') <= :now AND coalesce(resting_until, '-infinity') <= :now
      AND EXISTS (
          SELECT FROM delivery
          WHERE delivery.organisation_id = endpoint.organisation_id
            AND state IN ('waiting', 'sending', 'failed') AND next_attempt_at <= :now
      )
    ORDER BY leased_until NULLS FIRST, organisation_id
    LIMIT :lines
    FOR UPDATE SKIP LOCKED
""")
# What a later decision has overtaken need not be told; nor that a case is withdrawn, to a body that never heard of it.
_OVERTAKEN = text("""
    UPDATE delivery SET state = 'superseded', next_attempt_at = NULL, attempts = attempts - 1
    WHERE id = ANY (CAST(:ids AS uuid[]))
      AND (
          EXISTS (
              SELECT FROM delivery AS later
              WHERE later.issue_id = delivery.issue_id AND later.organisation_id = delivery.organisation_id
                AND later.channel = 'webhook' AND later.decision_id > delivery.decision_id AND later.step_id IS NULL
                AND (delivery.step_id IS NULL OR later.kind = 'withdrawn')
          )
          OR kind = 'withdrawn' AND NOT EXISTS (
              SELECT FROM delivery AS before
              WHERE before.issue_id = delivery.issue_id AND before.organisation_id = delivery.organisation_id
                AND before.channel = 'webhook' AND before.kind = 'dispatched' AND before.attempts > 0
          )
      )
    RETURNING id
""")
_TAKE = text("""
    UPDATE delivery SET state = 'sending', attempts = delivery.attempts + 1, next_attempt_at = :lease_ends
    FROM unnest(CAST(:lines AS int[])) AS line (organisation_id)
    CROSS JOIN LATERAL (
        SELECT id FROM delivery
        WHERE delivery.organisation_id = line.organisation_id
          AND state IN ('waiting', 'sending', 'failed') AND next_attempt_at <= :now
        ORDER BY next_attempt_at, id
        LIMIT 1
    ) AS next
    WHERE delivery.id = next.id
    RETURNING delivery.id, delivery.organisation_id
""")
_SET_BACK = text("""
    UPDATE delivery SET state = 'failed', attempts = delivery.attempts + 1, last_error = :error,
        next_attempt_at = CAST(:now AS timestamptz) + least(
            CAST(:longest AS interval), (CAST(:later AS timestamptz) - :now) * power(2, least(delivery.attempts, 16)))
    WHERE id = (
        SELECT id FROM delivery
        WHERE organisation_id = :line AND state IN ('waiting', 'sending', 'failed') AND next_attempt_at <= :now
        ORDER BY next_attempt_at, id LIMIT 1
    )
    RETURNING id
""")
_LEASE = text("""
    UPDATE endpoint SET leased_until = :lease_ends
    FROM delivery
    WHERE delivery.id = ANY (CAST(:ids AS uuid[])) AND endpoint.organisation_id = delivery.organisation_id
""")
_ATTEMPT = text("""
    INSERT INTO delivery_attempt (delivery_id, number, started_at)
    SELECT id, attempts, :now FROM delivery WHERE id = ANY (CAST(:ids AS uuid[]))
""")
_READ = text("""
    SELECT delivery.id, delivery.organisation_id, delivery.attempts, delivery.first_due_at, endpoint.failures,
           endpoint.leased_until, endpoint.url, endpoint.sealed_secret,
           ARRAY(SELECT former.sealed_secret FROM former_secret AS former
                 WHERE former.organisation_id = endpoint.organisation_id AND former.until > :now
                 ORDER BY former.until DESC, former.id DESC) AS former_secrets
    FROM delivery JOIN endpoint USING (organisation_id)
    WHERE delivery.id = ANY (CAST(:ids AS uuid[]))
""")
# An attempt that was overtaken (its lease ran out and somebody else sent) may still say that it was delivered.
_NOTE = text("""
    UPDATE delivery SET state = :state, last_error = :error, next_attempt_at = :next,
        delivered_at = CASE WHEN :state = 'delivered' THEN CAST(:now AS timestamptz) END
    WHERE id = :id AND state <> 'delivered' AND (attempts = :attempt AND state = 'sending' OR :state = 'delivered')
""")
_NOTE_ATTEMPT = text("""
    UPDATE delivery_attempt SET ended_at = :now, status_code = :status, error = :error
    WHERE delivery_id = :id AND number = :attempt
""")
_FREE_LINE = text("""
    UPDATE endpoint SET leased_until = NULL, failures = CASE WHEN :failed THEN failures + 1 ELSE 0 END,
        resting_until = :rests_until, active = active AND NOT :gone,
        disabled_reason = CASE WHEN active AND :gone THEN :reason ELSE disabled_reason END,
        changed_at = CASE WHEN :gone THEN CAST(:now AS timestamptz) ELSE changed_at END
    WHERE organisation_id = :organisation AND leased_until = :leased_until
""")
_GIVE_UP = text("""
    UPDATE delivery SET state = 'given_up', next_attempt_at = NULL,
        last_error = coalesce(last_error, 'never sent: the endpoint is disabled or resting')
    WHERE state IN ('waiting', 'sending', 'failed') AND first_due_at <= :too_old
      AND (state <> 'sending' OR next_attempt_at <= :now)
    RETURNING id
""")
_DROP_FORMER = text("DELETE FROM former_secret WHERE until <= :now")
_RETRY = text("""
    UPDATE delivery SET state = 'waiting', first_due_at = :now, next_attempt_at = :now
    WHERE id = :id AND channel = 'webhook' AND state IN ('failed', 'given_up')
    RETURNING organisation_id
""")
_IS_DUE = text("""
    SELECT EXISTS (
        SELECT FROM delivery JOIN endpoint USING (organisation_id)
        WHERE state IN ('waiting', 'sending', 'failed') AND next_attempt_at <= :now AND endpoint.active
          AND coalesce(leased_until, '-infinity') <= :now AND coalesce(resting_until, '-infinity') <= :now
    ) OR EXISTS (
        SELECT FROM delivery WHERE state IN ('waiting', 'sending', 'failed') AND first_due_at <= :too_old
    ) OR EXISTS (SELECT FROM former_secret WHERE until <= :now)
""")


def deliver_due(
    begin: Begin,
    clock: Clock,
    *,
    seal: Fernet,
    guard: Guard,
    work_for: timedelta,
    patience: Patience = DEFAULT_PATIENCE,
) -> Sent:
    """Send until nothing is due or ``work_for`` is over. ``begin`` opens a transaction that commits on leaving."""
    ends = clock() + work_for
    on_the_way: dict[Future[Answer], Claim] = {}
    counts = {"delivered": 0, "failed": 0, "given_up": give_up_old(begin, clock(), patience)}
    with ThreadPoolExecutor(patience.lines_at_once, thread_name_prefix="webhook") as pool:
        while True:
            in_time = clock() < ends
            if in_time and len(on_the_way) < patience.lines_at_once:
                for claim in claim_each(begin, clock, patience.lines_at_once - len(on_the_way), seal, patience):
                    on_the_way[pool.submit(_send, claim, guard, clock)] = claim
            if not on_the_way:
                return Sent(**counts, more=not in_time)
            done, _ = wait(on_the_way, return_when=FIRST_COMPLETED)
            for future in done:
                state = note(begin, on_the_way.pop(future), future.result(), clock(), patience)
                counts[state] += 1


def claim_due(
    begin: Begin, now: datetime, lines: int, seal: Fernet, patience: Patience, *, only: Sequence[int] | None = None
) -> list[Claim]:
    """Take the next due delivery of up to ``lines`` organisations (of ``only``) that nobody else is sending to."""
    with begin() as session:
        free = list(session.scalars(_LINES, {"now": now, "lines": lines}))
        free = [line for line in free if only is None or line in only]
        times = {"now": now, "lease_ends": now + patience.lease}
        ids: list[uuid.UUID] = []
        while free:
            taken = {row.id: row.organisation_id for row in session.execute(_TAKE, times | {"lines": free})}
            overtaken = set(session.scalars(_OVERTAKEN, {"ids": list(taken)}))
            ids += [each for each in taken if each not in overtaken]
            free = [taken[each] for each in overtaken]
        if not ids:
            return []
        session.execute(_LEASE, times | {"ids": ids})
        session.execute(_ATTEMPT, times | {"ids": ids})
        told = webhook_payload.read(session, ids)
        return [_claim(row, told[row.id], seal) for row in session.execute(_READ, {"ids": ids, "now": now})]


def claim_each(begin: Begin, clock: Clock, lines: int, seal: Fernet, patience: Patience) -> list[Claim]:
    """Take due deliveries, as ``claim_due``; where one of them cannot be read, line by line, and set that one back."""
    set_back = partial(_set_back, begin, clock, patience)
    while True:
        try:
            return claim_due(begin, clock(), lines, seal, patience)
        except NOT_OF_AN_ITEM:
            raise
        except Exception:  # noqa: BLE001  # one letter that cannot be written must not stop all others
            with begin() as session:
                free = list(session.scalars(_LINES, {"now": clock(), "lines": lines}))
        claims = one_by_one(
            free, lambda some: claim_due(begin, clock(), len(some), seal, patience, only=some), set_back
        )  # fmt: skip
        # Where each line began with one that was set back, there are others behind it.
        found = [claim for each in claims for claim in each]
        if found or not free:
            return found


def _set_back(begin: Begin, clock: Clock, patience: Patience, organisation_id: int, error: Exception) -> None:
    """Have the next delivery of a line tried later, as if it had been sent and had failed; note why."""
    now = clock()
    with begin() as session:
        told = {"line": organisation_id, "now": now, "error": reason_of(error), "later": now + patience.first_delay}
        for delivery_id in session.scalars(_SET_BACK, told | {"longest": patience.longest_delay}):
            put(session, QUEUE, str(delivery_id), reason_of(error), now)


def note(
    begin: Begin,
    claim: Claim,
    answer: Answer,
    now: datetime,
    patience: Patience = DEFAULT_PATIENCE,
    jitter: Callable[[], float] = random.random,
) -> str:
    """Note the outcome of an attempt and free the line; return delivered, failed or given_up."""
    failed, gone = answer.error is not None, answer.status_code == GONE
    asked_for = answer.rest or timedelta()
    retry_at = now + max(_delay(claim.attempt, patience) * jitter(), asked_for)
    out_of_time = retry_at > claim.first_due_at + patience.try_for
    state = "delivered" if not failed else "given_up" if out_of_time else "failed"
    with begin() as session:
        told = {"id": claim.delivery_id, "attempt": claim.attempt, "now": now, "error": answer.error}
        session.execute(_NOTE, told | {"state": state, "next": retry_at if state == "failed" else None})
        session.execute(_NOTE_ATTEMPT, told | {"status": answer.status_code})
        take_back(session, QUEUE, [str(claim.delivery_id)])
        session.execute(
            _FREE_LINE,
            {
                "organisation": claim.organisation_id,
                "leased_until": claim.leased_until,
                "now": now,
                "failed": failed,
                "rests_until": now + max(_rest(claim.failures, patience) * jitter(), asked_for) if failed else None,
                "gone": gone or claim.letter is None,
                "reason": "gone" if gone else "secret-unreadable",
            },
        )
    return state


def give_up_old(begin: Begin, now: datetime, patience: Patience = DEFAULT_PATIENCE) -> int:
    """Give up what has been tried, or could not be tried, for too long; return how many. Drop secrets that are over."""
    with begin() as session:
        session.execute(_DROP_FORMER, {"now": now})
        return len(session.execute(_GIVE_UP, {"now": now, "too_old": now - patience.try_for}).all())


def retry(session: Session, delivery_id: uuid.UUID, now: datetime) -> None:
    """Try a failed or given-up delivery again now, for as long as a new one, and end the rest of its line.

    Raises ``UnknownDelivery``, or ``DeliveryNotRetryable`` for one that is on its way, arrived or overtaken.
    """
    organisation_id = session.scalar(_RETRY, {"id": delivery_id, "now": now})
    if organisation_id is None:
        state = session.scalar(text("SELECT state FROM delivery WHERE id = :id"), {"id": delivery_id})
        if state is None:
            raise UnknownDelivery(delivery_id)
        raise DeliveryNotRetryable(delivery_id, state)
    session.execute(
        text("UPDATE endpoint SET resting_until = NULL WHERE organisation_id = :id"), {"id": organisation_id}
    )


def is_due(session: Session, now: datetime, patience: Patience = DEFAULT_PATIENCE) -> bool:
    """Return whether a run at ``now`` would find something to do."""
    return bool(session.scalar(_IS_DUE, {"now": now, "too_old": now - patience.try_for}))


def _claim(row: Any, message: str, seal: Fernet) -> Claim:
    try:
        secrets = [seal.decrypt(each).decode() for each in (row.sealed_secret, *row.former_secrets)]
        letter = Letter(row.id, row.url, tuple(secrets), message)
    except InvalidToken:
        letter = None
    return Claim(row.id, row.organisation_id, row.attempts, row.first_due_at, row.failures, row.leased_until, letter)


def _send(claim: Claim, guard: Guard, clock: Clock) -> Answer:
    if claim.letter is None:
        return Answer(error="the secret cannot be opened: the server's key has changed; set a new secret")
    try:
        return send(claim.letter, guard, clock())
    except Exception as error:  # one letter that cannot be sent must not hold up the lines of the others
        log.exception("a webhook could not be sent", delivery=str(claim.delivery_id))
        return Answer(error=f"could not be sent: {type(error).__name__}")


def _delay(attempt: int, patience: Patience) -> timedelta:
    """Return the longest delay after so many attempts (1 or more); full jitter takes a random part of it."""
    return min(patience.first_delay * (1 << min(attempt - 1, 30)), patience.longest_delay)


def _rest(failures: int, patience: Patience) -> timedelta:
    """Return how long a line rests at most, after so many failures in a row before this one; not after the first."""
    if failures == 0:
        return timedelta()
    return min(patience.first_delay * (1 << min(failures - 1, 30)), patience.longest_rest)
