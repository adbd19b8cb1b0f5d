"""Tables of cases: their steps; rules, decisions with their reasons, deliveries with every attempt, endpoints.

Owns what is known of *what happened to a case, who must handle it by when, why, and whether they were told*. The issue
itself and the catalogue belong to ``sync.collections``; the organisations to ``server.accounts``. Knows no Flask.
"""

import datetime as dt
import uuid

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from geo.orm import Base, BigIdentityKey, BigInt, IdentityKey, Json, SmallInt
from server.cases.case_event import SOURCES as STEP_SOURCES
from server.cases.case_event import STEPS
from sync.collections.issues import STATES

HOURS = ("any", "working", "off")
SOURCES = ("worker", "resident", "staff")
SEVERITIES = ("low", "normal", "urgent")
LIMIT_UNITS = ("h", "wh", "wd", "d")
CHANNELS = ("desk", "webhook")
DELIVERY_KINDS = ("dispatched", "withdrawn", "step")
DELIVERY_STATES = ("waiting", "sending", "delivered", "failed", "given_up", "superseded")


class CaseStep(Base):
    """One step of a case. Never changed: each follows the one before it, with the state that it left. Locked by issue.

    ``server.cases.history`` writes and reads it.
    """

    __tablename__ = "case_step"
    __table_args__ = (
        UniqueConstraint("issue_id", "place", name="uq_case_step_place"),
        UniqueConstraint("issue_id", "place", "state", name="uq_case_step_chain"),
        ForeignKeyConstraint(
            ("issue_id", "previous", "state_before"),
            ("case_step.issue_id", "case_step.place", "case_step.state"),
            name="fk_case_step_chain",
        ),
        CheckConstraint("place > 0", name="place_positive"),
        CheckConstraint(f"step IN {STEPS}", name="step_known"),
        CheckConstraint(f"state IN {STATES}", name="state_known"),
        CheckConstraint(f"source IN {STEP_SOURCES}", name="source_known"),
        CheckConstraint(
            "(place = 1) = (step = 'report') AND (place = 1) = (state_before = '')", name="begins_with_a_report"
        ),
        CheckConstraint("at <= taken_at", name="not_before_it_happened"),
        CheckConstraint("jsonb_typeof(given) = 'object'", name="given_object"),
        Index("ix_case_step_asked", "issue_id", postgresql_where=text("step = 'ask_extension'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    issue_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("issue.id"))
    place: Mapped[int] = mapped_column(comment="1, 2, 3 ... in its case")
    previous: Mapped[int | None] = mapped_column(
        Computed("nullif(place - 1, 0)", persisted=True),
        comment="the step that this one follows; with its state, a chain without a gap",
    )
    step: Mapped[str]
    state_before: Mapped[str]
    state: Mapped[str]
    at: Mapped[dt.datetime] = mapped_column(
        comment="when it was done: the corrected time of the device where it was done offline"
    )
    taken_at: Mapped[dt.datetime]
    body_id: Mapped[int | None] = mapped_column(
        ForeignKey("organisation.id"), comment="the body it concerns: dispatched to, or acting"
    )
    person_id: Mapped[int | None] = mapped_column(
        ForeignKey("person.id"), comment="null: a rule, the sweeper, or a body by its signature"
    )
    source: Mapped[str]
    offline: Mapped[bool] = mapped_column(server_default=text("false"))
    given: Mapped[Json] = mapped_column(server_default="{}", comment="the fields of the step; bodies by id")


class RoutingRule(Base):
    """One routing rule: which cases it speaks of (null: all), who leads, who assists, by when.

    Two active rules that speak of exactly the same cases are a tie. The unique index refuses it for every
    writer; ``rules.find_ties`` says the same in words before anything is saved.
    """

    __tablename__ = "rule"
    __table_args__ = (
        CheckConstraint(f"severity IN {SEVERITIES}", name="severity_known"),
        CheckConstraint(f"hours IN {HOURS}", name="hours_known"),
        CheckConstraint(f"source IN {SOURCES}", name="source_known"),
        CheckConstraint(f"limit_unit IN {LIMIT_UNITS}", name="limit_unit_known"),
        CheckConstraint("(limit_value IS NULL) = (limit_unit IS NULL)", name="limit_whole"),
        CheckConstraint("limit_value > 0", name="limit_positive"),
        CheckConstraint("NOT (lead_body_id = ANY (assisting_ids))", name="lead_does_not_assist"),
        Index(
            "uq_rule_no_ties",
            "category",
            "area_id",
            "severity",
            "hours",
            "source",
            unique=True,
            postgresql_where=text("active"),
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[IdentityKey]
    label: Mapped[str]
    category: Mapped[str | None] = mapped_column(ForeignKey("category.code"), comment="two or four digits; null: all")
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"), comment="with all areas below it; null: all")
    severity: Mapped[str | None]
    hours: Mapped[str] = mapped_column(server_default="any")
    source: Mapped[str | None]
    lead_body_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    assisting_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default="{}")
    limit_value: Mapped[SmallInt | None] = mapped_column(comment="null: the category's limit")
    limit_unit: Mapped[str | None]
    tier: Mapped[str | None]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    retired_at: Mapped[dt.datetime | None]


class RoutingDecision(Base):
    """Why one issue went to one body. Never changed: another decision is another row; the newest one counts."""

    __tablename__ = "routing_decision"
    __table_args__ = (
        CheckConstraint(f"limit_unit IN {LIMIT_UNITS}", name="limit_unit_known"),
        Index("ix_routing_decision_issue_id", "issue_id", "id"),
    )

    id: Mapped[BigIdentityKey]
    issue_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("issue.id"))
    decided_at: Mapped[dt.datetime]
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("rule.id"), comment="null: a default decided")
    body_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    assisting_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    tier: Mapped[str] = mapped_column(comment="the lowest level that may settle it")
    since: Mapped[dt.datetime] = mapped_column(comment="when the clock of this deadline began to run")
    limit_value: Mapped[SmallInt | None]
    limit_unit: Mapped[str | None]
    due_at: Mapped[dt.datetime | None]
    edition: Mapped[int | None] = mapped_column(comment="edition of the ground it was decided on")
    calendar_edition: Mapped[int | None] = mapped_column(
        comment="edition of the calendar that due_at was counted by; null: by none"
    )
    provisional_years: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger), server_default="{}")
    reasons: Mapped[list[Json]] = mapped_column(JSONB, comment='[{"code", "zh", "en"}], most telling first')


class Endpoint(Base):
    """Where one organisation takes its webhooks, and how its line is doing: one claim at a time, rest after trouble."""

    __tablename__ = "endpoint"
    __table_args__ = (CheckConstraint("active = (disabled_reason IS NULL)", name="disabled_with_a_reason"),)

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True, autoincrement=False)
    url: Mapped[str]
    sealed_secret: Mapped[bytes] = mapped_column(comment="Fernet token of the whsec_ secret")
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    disabled_reason: Mapped[str | None]
    changed_at: Mapped[dt.datetime]
    leased_until: Mapped[dt.datetime | None] = mapped_column(comment="somebody is sending to it until then at most")
    resting_until: Mapped[dt.datetime | None] = mapped_column(comment="circuit open: nothing is sent until then")
    failures: Mapped[int] = mapped_column(server_default="0", comment="attempts that went wrong in a row")


class FormerSecret(Base):
    """A secret that an endpoint had before: webhooks are signed with it too, until the body knows the new one."""

    __tablename__ = "former_secret"
    __table_args__ = (Index("ix_former_secret_organisation_id", "organisation_id", "until"),)

    id: Mapped[BigIdentityKey]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("endpoint.organisation_id"))
    sealed_secret: Mapped[bytes] = mapped_column(comment="Fernet token of the whsec_ secret")
    until: Mapped[dt.datetime] = mapped_column(comment="webhooks are signed with it until then, and it is taken away")


class EndpointChange(Base):
    """Who set an endpoint, when, and to what. Never removed; holds no secret."""

    __tablename__ = "endpoint_change"
    __table_args__ = (
        CheckConstraint("secret IN ('kept', 'new')", name="secret_known"),
        Index("ix_endpoint_change_organisation_id", "organisation_id", "id"),
    )

    id: Mapped[BigIdentityKey]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    changed_at: Mapped[dt.datetime]
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    url: Mapped[str]
    active: Mapped[bool]
    secret: Mapped[str]
    former_until: Mapped[dt.datetime | None] = mapped_column(comment="how long the secret before it still signs")


class Callback(Base):
    """One signed call of a body's system that was answered, known by its ``webhook-id``. Forgotten after some days."""

    __tablename__ = "callback"
    __table_args__ = (Index("ix_callback_called_at", "called_at"),)

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True, autoincrement=False)
    id_hash: Mapped[bytes] = mapped_column(primary_key=True, comment="SHA-256 of the webhook-id")
    body_hash: Mapped[bytes] = mapped_column(comment="SHA-256 of the body as it was sent")
    called_at: Mapped[dt.datetime]
    answer: Mapped[Json | None] = mapped_column(comment="null: it is being answered")


class Delivery(Base):
    """One notice of one decision, or of one step, to one organisation by one channel.

    Its id is the idempotency key and webhook-id. One of a step names the decision that the case stood under.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index(
            "uq_delivery_decision",
            "decision_id",
            "organisation_id",
            "channel",
            unique=True,
            postgresql_where=text("step_id IS NULL"),
        ),
        Index(
            "uq_delivery_step",
            "step_id",
            "organisation_id",
            "channel",
            unique=True,
            postgresql_where=text("step_id IS NOT NULL"),
        ),
        CheckConstraint("(kind = 'step') = (step_id IS NOT NULL)", name="step_told"),
        CheckConstraint(f"channel IN {CHANNELS}", name="channel_known"),
        CheckConstraint(f"kind IN {DELIVERY_KINDS}", name="kind_known"),
        CheckConstraint(f"state IN {DELIVERY_STATES}", name="state_known"),
        CheckConstraint("(state = 'delivered') = (delivered_at IS NOT NULL)", name="delivered_when"),
        Index("ix_delivery_issue_id", "issue_id"),
        Index(
            "ix_delivery_due",
            "organisation_id",
            "next_attempt_at",
            postgresql_where=text("state IN ('waiting', 'sending', 'failed')"),
        ),
        Index("ix_delivery_given_up", "id", postgresql_where=text("state IN ('failed', 'given_up')")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    decision_id: Mapped[BigInt] = mapped_column(ForeignKey("routing_decision.id"))
    issue_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("issue.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    channel: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="dispatched")
    step_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("case_step.id"), comment="the step that is told of; null: the decision itself is"
    )
    state: Mapped[str]
    created_at: Mapped[dt.datetime]
    first_due_at: Mapped[dt.datetime] = mapped_column(comment="trying is counted from here; reset by hand")
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[dt.datetime | None]
    last_error: Mapped[str | None]
    delivered_at: Mapped[dt.datetime | None]


class DeliveryAttempt(Base):
    """One try at one delivery; a row without an end belongs to a process that died while sending."""

    __tablename__ = "delivery_attempt"

    delivery_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("delivery.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    started_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    status_code: Mapped[SmallInt | None]
    error: Mapped[str | None]
