"""Tables of the engine: people with their areas, devices, the operation log, the feed, conflicts.

Owns what every exchange with a phone reads and writes; the records themselves belong to
``sync.collections``. Log and records carry no foreign keys to people, devices and areas: those rows
are never deleted (a trigger forbids it), the writer holds them in the same transaction, and one
reference check per row and key would cost more than the insert itself.
"""

import datetime as dt
import uuid

from geoalchemy2 import WKBElement
from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB, ExcludeConstraint
from sqlalchemy.dialects.postgresql.ranges import MultiRange, Range
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base, BigIdentityKey, BigInt, IdentityKey, Json, SmallInt, box_column

ROLES = (
    "grid_head",
    "grid_worker",
    "building_head",
    "unit_head",
    "dispatcher",
    "handler",
    "checker",
    "supervisor",
    "gis",
    "auditor",
    "admin",
)
MADE_WITH = ("staff", "command", "unknown")
OPERATION_STATUSES = ("applied", "pending", "held", "quarantined", "merged", "review", "released", "dismissed")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class CityState(Base):
    """The one row that tells processes when to read ground or assignments anew, and which epoch the feed is in."""

    __tablename__ = "city_state"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    epoch: Mapped[uuid.UUID] = mapped_column(server_default=func.gen_random_uuid(), comment="new after a restore")
    ground_serial: Mapped[int] = mapped_column(server_default="0", comment="bumped by a trigger on edition")
    scope_serial: Mapped[int] = mapped_column(server_default="0", comment="bumped by a trigger on assignment")
    revisions_from: Mapped[int] = mapped_column(
        server_default="0", comment="records begin above it: higher after a restore"
    )


class Person(Base):
    """Somebody who signs in or syncs: worker, dispatcher, handler, GIS staff. Never deleted."""

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint("is_active = (inactive_since IS NULL)", name="inactive_since"),
        CheckConstraint(
            "login = lower(normalize(login, NFKC)) AND login !~ '[[:space:][:cntrl:]]' AND login <> ''",
            name="login_normal",
        ),
    )

    id: Mapped[IdentityKey]
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str | None] = mapped_column(comment="argon2id; null: may not sign in")
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    inactive_since: Mapped[dt.datetime | None] = mapped_column(
        comment="kept by a trigger; devices count as revoked from then on"
    )


class Assignment(Base):
    """Person x role x area or organisation, from-to. What a person may see and write follows from these rows."""

    __tablename__ = "assignment"
    __table_args__ = (
        CheckConstraint(_one_of("role", ROLES), name="role_known"),
        CheckConstraint("area_id IS NOT NULL OR organisation_id IS NOT NULL", name="somewhere"),
        CheckConstraint("NOT isempty(during)", name="during_not_empty"),
        ExcludeConstraint(
            ("person_id", "="),
            ("role", "="),
            (text("coalesce(area_id, 0)"), "="),
            (text("coalesce(organisation_id, 0)"), "="),
            ("during", "&&"),
            using="gist",
            name="ex_assignment_once_at_a_time",
        ),
        Index("ix_assignment_area_id", "area_id"),
    )

    id: Mapped[IdentityKey]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    role: Mapped[str]
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    during: Mapped[Range[dt.datetime]]


class Device(Base):
    """One installation of a patrol app. Never deleted; its token is stored hashed."""

    __tablename__ = "device"

    id: Mapped[IdentityKey]
    uid: Mapped[uuid.UUID] = mapped_column(unique=True, server_default=func.gen_random_uuid())
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    name: Mapped[str]
    platform: Mapped[str]
    app_version: Mapped[str]
    public_info: Mapped[Json | None]
    token_hash: Mapped[bytes] = mapped_column(unique=True, comment="SHA-256 of the bearer token")
    enrolled_at: Mapped[dt.datetime]
    private_over: Mapped[list[int] | None] = mapped_column(
        ARRAY(Integer),
        comment="areas, the tops, over which whoever made its code has a duty in what is private; null: the operator "
        "made it",
    )
    revoked_at: Mapped[dt.datetime | None]
    wipe_ordered_at: Mapped[dt.datetime | None]
    wiped_at: Mapped[dt.datetime | None] = mapped_column(comment="when the app said that it had wiped itself")
    pulled_to: Mapped[BigInt | None] = mapped_column(
        comment="a feed position that a cursor of it is known to have passed"
    )
    pulled_at: Mapped[dt.datetime | None]
    last_exchange_at: Mapped[dt.datetime | None]
    skew_ms: Mapped[BigInt | None] = mapped_column(comment="device clock minus server clock at the last push")
    seqs: Mapped[MultiRange[int]] = mapped_column(
        server_default="{}", comment="every seq received; what is missing below its top is a gap"
    )
    reused_seqs: Mapped[int] = mapped_column(
        server_default="0", comment="new operations under a seq that had come before"
    )


class Enrolment(Base):
    """A code that turns a phone into a device of one person, once, until it expires; and who made it."""

    __tablename__ = "enrolment"
    __table_args__ = (
        CheckConstraint(_one_of("made_with", MADE_WITH), name="made_with_known"),
        CheckConstraint("(made_with = 'staff') = (made_by IS NOT NULL)", name="staff_are_named"),
    )

    id: Mapped[IdentityKey]
    code_hash: Mapped[bytes] = mapped_column(unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"), index=True)
    made_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    made_with: Mapped[str] = mapped_column(
        server_default="unknown", comment="staff: by somebody signed in; command: on the command line"
    )
    made_over: Mapped[list[int]] = mapped_column(
        ARRAY(Integer), server_default="{}", comment="areas that its maker might enrol for then, the tops"
    )


class Operation(Base):
    """The log: one durable row for each operation ever received or made by the server, with its receipt.

    ``data`` is what the author sent; ``changes`` what it came to, where that differs. The first row of
    (device, op_id) is the operation; another with other bytes is a quarantined reuse of its id.
    """

    __tablename__ = "operation"
    __table_args__ = (
        CheckConstraint(_one_of("status", OPERATION_STATUSES), name="status_known"),
        CheckConstraint("status <> 'quarantined' OR problem IS NOT NULL", name="quarantined_with_a_reason"),
        CheckConstraint(_one_of("ruling", ("released", "dismissed")), name="ruling_known"),
        Index("uq_operation_device_id_op_id_body_hash", "device_id", "op_id", "body_hash", unique=True),
        Index("ix_operation_record_id_rev", "record_id", "rev"),
        Index(
            "ix_operation_waiting",
            "collection",
            "record_id",
            postgresql_where=text("status IN ('pending', 'held')"),
        ),
        Index(
            "ix_operation_in_doubt",
            "device_id",
            postgresql_where=text("status IN ('pending', 'held', 'quarantined', 'review')"),
        ),
    )

    id: Mapped[BigIdentityKey]
    device_id: Mapped[int | None] = mapped_column(comment="null: made by the server or by staff")
    op_id: Mapped[uuid.UUID]
    body_hash: Mapped[bytes]
    batch_id: Mapped[uuid.UUID | None]
    seq: Mapped[BigInt | None]
    collection: Mapped[str]
    record_id: Mapped[uuid.UUID | None]
    action: Mapped[str]
    base_rev: Mapped[int | None]
    base_op: Mapped[uuid.UUID | None]
    author_id: Mapped[int | None]
    captured_at: Mapped[dt.datetime | None] = mapped_column(comment="by the device's clock, as sent")
    corrected_at: Mapped[dt.datetime | None] = mapped_column(comment="captured_at less the measured skew")
    received_at: Mapped[dt.datetime]
    data: Mapped[Json | None]
    raw: Mapped[bytes | None] = mapped_column(comment="the bytes of an operation that could not be decoded")
    changes: Mapped[Json | None] = mapped_column(comment="fields it wrote, where not simply data")
    rev: Mapped[int | None] = mapped_column(comment="revision of the record that it made")
    status: Mapped[str]
    problem: Mapped[Json | None]
    provenance: Mapped[Json | None] = mapped_column(comment="field -> mine, theirs, both or review, once merged")
    receipt: Mapped[Json | None] = mapped_column(JSON, comment="the first answer, byte for byte")
    settled_at: Mapped[dt.datetime | None]
    ruling: Mapped[str | None] = mapped_column(comment="released or dismissed by a person, once quarantined")
    ruled_by: Mapped[int | None]
    ruled_at: Mapped[dt.datetime | None]
    public_agreed: Mapped[bool] = mapped_column(
        server_default=text("false"), comment="whoever released it said that a private issue becomes public by it"
    )
    ruling_note: Mapped[str | None] = mapped_column(comment="the reason, as the worker is told it")


class Conflict(Base):
    """Something two authors changed that a person must decide: both values, both authors, the base."""

    __tablename__ = "conflict"
    __table_args__ = (
        CheckConstraint(_one_of("kind", ("field", "delete")), name="kind_known"),
        Index("ix_conflict_open", "collection", "record_id", postgresql_where=text("decided_at IS NULL")),
        Index("uq_conflict_operation_id_field", "operation_id", "field", unique=True),
    )

    id: Mapped[BigIdentityKey]
    collection: Mapped[str]
    record_id: Mapped[uuid.UUID]
    operation_id: Mapped[BigInt] = mapped_column(ForeignKey("operation.id"))
    kind: Mapped[str]
    field: Mapped[str]
    standing: Mapped[Json | None] = mapped_column(JSONB, comment='{"value", "author_id", "captured_at"}')
    offered: Mapped[Json | None] = mapped_column(JSONB)
    base: Mapped[Json | None] = mapped_column(JSONB, comment='{"value"} that both authors had seen')
    created_at: Mapped[dt.datetime]
    decided_at: Mapped[dt.datetime | None]
    decided_by: Mapped[int | None]
    decision: Mapped[Json | None]


class ScopeSnapshot(Base):
    """The grids of one person's areas, numbered: a cursor names the version it was given under."""

    __tablename__ = "scope_snapshot"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    grid_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer), comment="area ids, ascending")
    zones: Mapped[list[list[int]]] = mapped_column(
        ARRAY(Integer, dimensions=2),
        server_default="{}",
        comment="rows of: area below a grid, edition since which it is drawn so, the grid around it",
    )
    serials: Mapped[list[int]] = mapped_column(ARRAY(Integer), comment="ground and scope serial it was computed at")
    holds_until: Mapped[dt.datetime | None] = mapped_column(comment="when the next assignment begins or ends")
    since: Mapped[dt.datetime]


class FeedCounter(Base):
    """The last number given out. Its row is locked last in every writing transaction, so numbers commit in order."""

    __tablename__ = "feed_counter"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    position: Mapped[BigInt] = mapped_column(server_default="0")
    floor: Mapped[BigInt] = mapped_column(server_default="0", comment="touches up to here may be gone")


class Feed(Base):
    """Touches: in this channel, this thing changed. The newest state is read from the record when it is pulled."""

    __tablename__ = "feed"

    channel: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    topic: Mapped[SmallInt]
    ref: Mapped[uuid.UUID] = mapped_column(comment="id of the record, or op_id of an outcome")


class DeadLetter(Base):
    """An item that a job failed on: why, how often, and when it is tried again. Gone once it is done."""

    __tablename__ = "dead_letter"
    __table_args__ = (CheckConstraint("attempts > 0", name="attempts_positive"),)

    queue: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(
        primary_key=True, comment="what it is, in words of the queue: an id, or a collection and an id"
    )
    mark: Mapped[str] = mapped_column(server_default="", comment="its state then; in another it is tried at once")
    since: Mapped[dt.datetime] = mapped_column(comment="when it failed first")
    last_at: Mapped[dt.datetime]
    attempts: Mapped[int]
    next_attempt_at: Mapped[dt.datetime]
    reason: Mapped[str]


class EditionMove(Base):
    """How far the records have followed an edition that changed ground of the locating kind."""

    __tablename__ = "edition_move"
    __table_args__ = (
        CheckConstraint("stage IN ('households', 'issues', 'tasks', 'visits', 'done')", name="stage_known"),
        CheckConstraint("(stage = 'done') = (finished_at IS NOT NULL)", name="done_when_finished"),
        Index("ix_edition_move_open", "edition_number", postgresql_where=text("finished_at IS NULL")),
    )

    edition_number: Mapped[int] = mapped_column(ForeignKey("edition.number"), primary_key=True, autoincrement=False)
    area_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer), comment="grids that lost ground or are gone, ascending")
    reach: Mapped[WKBElement] = mapped_column(box_column(), comment="the box around all ground that changed hands")
    stage: Mapped[str] = mapped_column(server_default="households", comment="the collection that is being moved")
    looked_at: Mapped[int] = mapped_column(server_default="0", comment="records that were located anew")
    moved: Mapped[int] = mapped_column(server_default="0")
    reassigned: Mapped[int] = mapped_column(
        server_default="0", comment="open tasks that were given to the worker of their new grid"
    )
    started_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]
