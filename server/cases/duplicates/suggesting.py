"""Which open cases may be of the same matter as one that comes in: near, lately, of its kind, in like words.

Owns the search (one statement, however many are asked about), the score with its reasons, and the pairs that are
kept for the duty desk. Who merges what is a person's business; what is private is left out for whoever may not see it.
Distances are metres on the sphere, over positions in EPSG:4326, longitude first.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select, text, true, update
from sqlalchemy.orm import Session

from server.cases.case import Reason
from server.cases.duplicates.likeness import SAME_MATTER, likeness
from server.cases.duplicates.tables import DuplicateSuggestion
from sync.collections.issues import Issue

MOST = 10
"""So many candidates of one case at most, the likeliest first."""
_MOST_NEAR: Final = 50

# What the text, the distance and the time are worth; the rest is taken off where only the first level is the same.
_OF_TEXT, _OF_DISTANCE, _OF_TIME = 0.5, 0.3, 0.2
_SIBLING: Final = 0.7
# A text that says nothing speaks neither for nor against.
_UNSAID: Final = 0.4
# Of another category of the same first level, nothing but the words says that it is the same.
_LIKE_FOR_SIBLINGS: Final = SAME_MATTER
_LIKE_AT_ALL: Final = 0.05
# A degree of latitude is never less; one of longitude so at the equator, and shorter elsewhere.
_M_A_DEGREE: Final = 110_500.0

# The limit is on what is read of one crowded place, before texts are compared. By distance alone, so that the index
# brings them in their order and nothing beyond is read: of hundreds at one spot any may be the ones.
_NEAR = text(f"""
    SELECT asked.number, issue.id, issue.category = asked.category AS same_category,
           ST_DistanceSphere(issue.position, asked.place) AS distance_m,
           extract(epoch FROM asked.at - issue.captured_at) / 3600 AS hours_apart,
           issue.doc ->> 'description' AS words, issue.author_id, kind.duplicate_radius_m, kind.duplicate_window_h
    FROM (
        SELECT number, id, category, at, ST_SetSRID(ST_MakePoint(lon, lat), 4326) AS place, lat FROM unnest(
            CAST(:numbers AS int[]), CAST(:ids AS uuid[]), CAST(:categories AS text[]), CAST(:moments AS timestamptz[]),
            CAST(:lons AS float[]), CAST(:lats AS float[])
        ) AS given (number, id, category, at, lon, lat)
    ) AS asked
    JOIN category AS kind ON kind.code = asked.category AND kind.duplicate_radius_m IS NOT NULL
    CROSS JOIN LATERAL (
        SELECT near.id, near.category, near.position, near.captured_at, near.doc, near.author_id FROM issue AS near
        WHERE near.position && ST_Expand(
                asked.place, kind.duplicate_radius_m / ({_M_A_DEGREE} * greatest(cos(radians(asked.lat)), 0.01)),
                kind.duplicate_radius_m / {_M_A_DEGREE})
          AND ST_DistanceSphere(near.position, asked.place) <= kind.duplicate_radius_m
          AND left(near.category, 2) = left(asked.category, 2)
          AND near.captured_at BETWEEN asked.at - kind.duplicate_window_h * interval '1 hour'
                                   AND asked.at + kind.duplicate_window_h * interval '1 hour'
          AND near.closed_at IS NULL AND near.deleted_at IS NULL
          AND near.state NOT IN ('refused', 'merged', 'settled', 'closed', 'void')
          AND near.id IS DISTINCT FROM asked.id
        ORDER BY near.position <-> asked.place LIMIT {_MOST_NEAR}
    ) AS issue
""")  # noqa: S608  # constants of this module
_KEEP = text("""
    INSERT INTO duplicate_suggestion
        (issue_id, other_id, score, likeness, distance_m, hours_apart, same_category, found_at)
    SELECT *, CAST(:now AS timestamptz) FROM unnest(
        CAST(:issues AS uuid[]), CAST(:others AS uuid[]), CAST(:scores AS real[]), CAST(:likenesses AS real[]),
        CAST(:distances AS real[]), CAST(:hours AS real[]), CAST(:same AS boolean[]))
    ON CONFLICT DO NOTHING
""")
_FORGET = text("""
    DELETE FROM duplicate_suggestion WHERE dismissed_at IS NULL
      AND (issue_id = ANY (CAST(:ids AS uuid[])) OR other_id = ANY (CAST(:ids AS uuid[])))
""")
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('duplicate_suggestion'))")
_ASKED = text("""
    SELECT id, category, captured_at, ST_X(position) AS lon, ST_Y(position) AS lat, doc ->> 'description' AS words
    FROM issue WHERE id = ANY (CAST(:ids AS uuid[])) AND position IS NOT NULL AND deleted_at IS NULL ORDER BY id
""")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about: a report, sent (``id``) or still to be sent. Degrees in WGS-84; ``at`` aware UTC."""

    category: str
    at: dt.datetime
    lon: float
    lat: float
    words: str = ""
    id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An open case that may be of the same matter.

    ``likeness`` of the texts (None: one says nothing) and ``score`` are parts of one; ``hours_apart`` is negative for
    a case that came after.
    """

    id: uuid.UUID
    score: float
    likeness: float | None
    distance_m: float
    hours_apart: float
    same_category: bool
    reasons: tuple[Reason, ...]


def suggest(
    session: Session, asked: Sequence[Asked], *, seen: ColumnElement[bool] | None = None
) -> list[tuple[Candidate, ...]]:
    """Return for each that is asked about the cases that may be the same, the likeliest first.

    ``seen``: a condition on ``Issue`` that says which cases the asker may be told of; None is for the program itself.
    """
    rows = _near(session, asked)
    if seen is not None and rows:
        may = set(session.scalars(select(Issue.id).where(Issue.id.in_({row.id for row in rows}), seen)))
        rows = [row for row in rows if row.id in may]
    found: dict[int, list[_Judged]] = {}
    for row in rows:
        judged = _judge(row, asked[row.number].words)
        if judged is not None:
            found.setdefault(row.number, []).append(judged)
    return [_likeliest(found.get(number, ())) for number in range(len(asked))]


def keep_for(session: Session, issue_ids: Sequence[uuid.UUID], now: dt.datetime) -> int:
    """Look what these cases may be duplicates of, and keep it for the duty desk; return how many pairs were found.

    A pair stands once, with the later of the two as its case; what a person has dismissed stays so, and what was found
    of these cases before, where they were or of what they were then, is forgotten. Locks: the suggestions as a whole,
    until the commit, and no case.
    """
    asked = [_asked(row) for row in session.execute(_ASKED, {"ids": list(issue_ids)})]
    pairs: dict[tuple[uuid.UUID, uuid.UUID], Candidate] = {}
    for one, candidates in zip(asked, suggest(session, asked), strict=True):
        for each in candidates:
            pair = _ordered(one, each)
            if pair[::-1] not in pairs:
                pairs.setdefault(pair, each)
    # Two jobs may find the same pair from both of its ends; each would wait for the other.
    session.execute(_ONE_AT_A_TIME)
    session.execute(_FORGET, {"ids": list(issue_ids)})
    if pairs:
        session.execute(_KEEP, _columns(pairs) | {"now": now})
    return len(pairs)


def asked_of(session: Session, issue_id: uuid.UUID) -> Asked | None:
    """Return a case as one that can be asked about; None without a position."""
    row = session.execute(_ASKED, {"ids": [issue_id]}).one_or_none()
    return None if row is None else _asked(row)


def counts_of(
    session: Session, issue_ids: Sequence[uuid.UUID], *, seen: ColumnElement[bool] | None = None
) -> dict[uuid.UUID, int]:
    """Return by case how many others may be the same, that are open, not dismissed, and ``seen`` (on ``Issue``)."""
    kept = DuplicateSuggestion
    ends = [(kept.issue_id, kept.other_id), (kept.other_id, kept.issue_id)]
    halves = [
        select(mine.label("mine"), Issue.id)
        .join(Issue, Issue.id == theirs)
        .where(mine.in_(list(issue_ids)), _stands(), true() if seen is None else seen)
        for mine, theirs in ends
    ]
    both = halves[0].union(halves[1]).subquery()
    rows = session.execute(select(both.c.mine, func.count()).group_by(both.c.mine))
    return {row[0]: row[1] for row in rows}


def dismiss(session: Session, one: uuid.UUID, other: uuid.UUID, *, by: int | None, now: dt.datetime) -> bool:
    """Note that a person says that two cases are not of one matter; return whether that was suggested."""
    kept = DuplicateSuggestion
    pair = or_(and_(kept.issue_id == one, kept.other_id == other), and_(kept.issue_id == other, kept.other_id == one))
    done = session.execute(
        update(kept).where(pair, kept.dismissed_at.is_(None)).values(dismissed_at=now, dismissed_by=by)
        .returning(kept.issue_id)
    )  # fmt: skip
    return done.first() is not None


def dismissed_with(session: Session, issue_id: uuid.UUID) -> frozenset[uuid.UUID]:
    """Return the cases of which somebody has said that they are another matter than this."""
    kept = DuplicateSuggestion
    rows = session.execute(
        select(kept.issue_id, kept.other_id).where(
            or_(kept.issue_id == issue_id, kept.other_id == issue_id), kept.dismissed_at.is_not(None)
        )
    )
    return frozenset(each for row in rows for each in row if each != issue_id)


def _stands() -> ColumnElement[bool]:
    return and_(DuplicateSuggestion.dismissed_at.is_(None), Issue.closed_at.is_(None), Issue.deleted_at.is_(None))


def _near(session: Session, asked: Sequence[Asked]) -> list[Any]:
    if not asked:
        return []
    given = {
        "numbers": list(range(len(asked))),
        "ids": [each.id for each in asked],
        "categories": [each.category for each in asked],
        "moments": [each.at for each in asked],
        "lons": [each.lon for each in asked],
        "lats": [each.lat for each in asked],
    }
    return list(session.execute(_NEAR, given))


@dataclass(frozen=True, slots=True)
class _Judged:
    """A row of ``_NEAR`` that may be of the same matter; in a crowded place most go no further."""

    row: Any
    score: float
    likeness: float | None


def _judge(row: Any, words: str) -> _Judged | None:
    """Return a case that is near with its score; None where the words say that it is another matter."""
    like = likeness(words, row.words or "")
    if like is not None and like < (_LIKE_AT_ALL if row.same_category else _LIKE_FOR_SIBLINGS):
        return None
    if like is None and not row.same_category:
        return None
    score = (
        _OF_TEXT * (_UNSAID if like is None else like)
        + _OF_DISTANCE * (1 - row.distance_m / row.duplicate_radius_m)
        + _OF_TIME * (1 - abs(float(row.hours_apart)) / row.duplicate_window_h)
    ) * (1.0 if row.same_category else _SIBLING)
    return _Judged(row, round(max(score, 0.0), 3), like)


def _likeliest(judged: Iterable[_Judged]) -> tuple[Candidate, ...]:
    return tuple(_candidate(each) for each in nsmallest(MOST, judged, key=lambda each: (-each.score, each.row.id)))


def _candidate(judged: _Judged) -> Candidate:
    row, like = judged.row, judged.likeness
    return Candidate(
        row.id, judged.score, None if like is None else round(like, 3), round(row.distance_m, 1),
        round(float(row.hours_apart), 2), row.same_category, _reasons(row, like),
    )  # fmt: skip


def _reasons(row: Any, like: float | None) -> tuple[Reason, ...]:
    kind = (
        Reason("same-category", "类别相同", "The same category")
        if row.same_category
        else Reason("same-parent", "大类相同，小类不同", "The same first level, another category")
    )
    metres, hours = round(row.distance_m), round(abs(float(row.hours_apart)), 1)
    said = [
        kind,
        Reason(
            "near",
            f"相距 {metres} 米（本类判重 {row.duplicate_radius_m} 米）",
            f"{metres} m apart (this category looks within {row.duplicate_radius_m} m)",
        ),
        Reason(
            "lately",
            f"相隔 {hours:g} 小时（本类判重 {row.duplicate_window_h} 小时）",
            f"{hours:g} h apart (this category looks within {row.duplicate_window_h} h)",
        ),
    ]
    if like is not None:
        part = round(like * 100)
        said.append(Reason("words", f"描述相似 {part}%", f"The texts are {part} % alike"))
    return tuple(said)


def _asked(row: Any) -> Asked:
    return Asked(row.category, row.captured_at, row.lon, row.lat, row.words or "", row.id)


def _ordered(one: Asked, other: Candidate) -> tuple[uuid.UUID, uuid.UUID]:
    """Return the later of the two first; of two at one moment, the one of the greater id."""
    assert one.id is not None  # noqa: S101  # only cases that were sent are kept
    earlier = (other.hours_apart > 0) or (other.hours_apart == 0 and other.id < one.id)
    return (one.id, other.id) if earlier else (other.id, one.id)


def _columns(pairs: Mapping[tuple[uuid.UUID, uuid.UUID], Candidate]) -> dict[str, Any]:
    found = list(pairs.values())
    return {
        "issues": [one for one, _ in pairs],
        "others": [other for _, other in pairs],
        "scores": [each.score for each in found],
        "likenesses": [each.likeness for each in found],
        "distances": [each.distance_m for each in found],
        "hours": [abs(each.hours_apart) for each in found],
        "same": [each.same_category for each in found],
    }
