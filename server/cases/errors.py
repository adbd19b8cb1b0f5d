"""The errors of the cases service.

Owns what can be wrong with rules, catalogue and deliveries, as data: a stable `code` and plain attributes. Must not
know HTTP statuses or the words that people read; `server.http.problems` gives each class its status and its texts.

    CaseError
    ├── InvalidWorkingHours    working hours that are no hours of one day, in order
    ├── InvalidCalendar        a calendar that says what cannot be
    │   └── InvalidSheet       a file of days with lines that cannot be read
    ├── CalendarSuperseded     another edition of the same calendar was entered meanwhile
    ├── UnknownCalendar        no such edition of the calendar
    ├── InvalidTerms           a limit of a stage that cannot be
    ├── TermsSuperseded        another limit of a stage was set meanwhile
    ├── InvalidCatalogue       a category that the catalogue cannot hold
    ├── InvalidCatalogueFile   rows of the catalogue that cannot be taken
    ├── CasesBecomePublic      categories that are private no longer, with cases, and nobody said that they shall
    ├── UnknownCategory        no such category
    ├── InvalidRule            a rule that names something that does not exist, or contradicts itself
    ├── RuleTie                two rules that speak of exactly the same cases
    ├── InvalidEndpoint        an address or secret that webhooks cannot be sent with
    ├── NoEndpoint             an organisation that takes no webhooks
    ├── NoDefaultDesk          a city without a body that takes what no rule takes
    ├── UnknownCase            no such case, or none that this person may see
    ├── StepIllegal            a step that the case, as it stands, does not allow
    ├── StepRefused            a step that this person may not take
    ├── StepInvalid            a step with a field that is missing, foreign or wrong
    ├── StepIdReused           another step under the id of one that was taken
    ├── CallbackRefused        a call that no body signed, or not now
    ├── CallbackIdReused       another call under the id of one that was answered
    ├── UnknownRule            no such active rule
    ├── UnknownOrganisation    no such organisation
    ├── BodyInUse              a body that cannot be retired, since it has cases, or would be given some
    ├── UnknownDelivery        no such delivery
    └── DeliveryNotRetryable   a delivery that needs no retry
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import ClassVar


class CaseError(Exception):
    """Base of the cases service's errors. Attributes are set once, by the constructor."""

    code: ClassVar[str] = "case-error"

    @property
    def data(self) -> dict[str, object]:
        """What the error carries, by name, without what was left unsaid (None)."""
        return {name: value for name, value in vars(self).items() if value is not None}


class InvalidWorkingHours(CaseError):
    """Working hours that cannot be read. `text` is what was given."""

    code = "invalid-working-hours"

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is not like 08:30-12:00,14:00-17:30")
        self.text = text


class InvalidCalendar(CaseError):
    """A calendar that cannot be entered. `field` is at fault; `days` are those it is about, if it is about days.

    `reason`: "unknown" (area), "retired", "below-grids", "other-year", "twice", "workday-on-weekday", "not-on-weekday",
    "missing-statutory", "no-hours", "overlapping", "formula", "empty".
    """

    code = "invalid-calendar"

    def __init__(self, field: str, reason: str, value: object = None, days: Sequence[str] | None = None) -> None:
        super().__init__(f"{field}: {value!r} {reason}")
        self.field = field
        self.reason = reason
        self.value = value
        self.days = days


class InvalidSheet(InvalidCalendar):
    """A file of days that cannot be taken. `faults`: each with `line`, `reason` and `value`, in the order of lines."""

    code = "invalid-calendar-file"

    def __init__(self, faults: Sequence[Mapping[str, object]]) -> None:
        super().__init__("csv", "faults")
        self.faults = list(faults)


class InvalidTerms(CaseError):
    """A limit that a stage cannot have.

    `reason`: "stage" (there is none of this name whose limit is the city's to set), "limit", "value", "unit".
    """

    code = "invalid-terms"

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(f"{stage}: {reason}")
        self.stage = stage
        self.reason = reason


class TermsSuperseded(CaseError):
    """Somebody set limits of stages meanwhile. `seen` is the edition expected, `newest` the one there is."""

    code = "terms-superseded"

    def __init__(self, seen: int, newest: int) -> None:
        super().__init__(f"edition {newest} came after {seen}")
        self.seen = seen
        self.newest = newest


class CalendarSuperseded(CaseError):
    """Somebody entered another edition of the same calendar. `seen` is the one expected, `newest` the one there is."""

    code = "calendar-superseded"

    def __init__(self, seen: int, newest: int) -> None:
        super().__init__(f"edition {newest} came after {seen}")
        self.seen = seen
        self.newest = newest


class UnknownCalendar(CaseError):
    """No such edition of the calendar."""

    code = "unknown-calendar"

    def __init__(self, edition: int) -> None:
        super().__init__(f"no edition {edition}")
        self.edition = edition


class InvalidCatalogue(CaseError):
    """A row of the catalogue that is wrong. `category` is its code."""

    code = "invalid-catalogue"

    def __init__(self, category: str, reason: str) -> None:
        super().__init__(f"{category}: {reason}")
        self.category = category
        self.reason = reason


class InvalidCatalogueFile(CaseError):
    """Rows of the catalogue that cannot be taken.

    `faults`: each with `sheet`, `row`, `column`, `field`, `reason`, what it says (`zh`, `en`) and `value`, in order.
    """

    code = "invalid-catalogue-file"

    def __init__(self, faults: Sequence[Mapping[str, object]]) -> None:
        super().__init__(f"{len(faults)} faults, the first: {dict(faults[0]) if faults else None}")
        self.faults = list(faults)


class CasesBecomePublic(CaseError):
    """A change of the catalogue by which private cases become public, and that does not say that they shall.

    `categories`: their codes; `cases`: how many there are.
    """

    code = "cases-become-public"

    def __init__(self, categories: Sequence[str], cases: int) -> None:
        super().__init__(f"{cases} cases of {', '.join(categories)}")
        self.categories = list(categories)
        self.cases = cases


class UnknownCategory(CaseError):
    """No such category. `category` is the code asked for."""

    code = "unknown-category"

    def __init__(self, category: str) -> None:
        super().__init__(category)
        self.category = category


class InvalidRule(CaseError):
    """A rule that cannot be saved.

    `field` is the field at fault. `reason`: "unknown", "required", "lead-assists", "not-positive", "limit-incomplete";
    of an area "retired" (it is no more) and "below-grids" (issues are routed by grids and what these lie in); of a
    category "category-retired".
    """

    code = "invalid-rule"

    def __init__(self, field: str, reason: str, value: object = None) -> None:
        super().__init__(f"{field}: {value!r} {reason}")
        self.field = field
        self.reason = reason
        self.value = value


class RuleTie(CaseError):
    """Two active rules that speak of exactly the same cases. `other_id` is None where it is not known."""

    code = "rule-tie"

    def __init__(self, label: str, other_id: int | None, other_label: str | None) -> None:
        super().__init__(f"{label!r} ties with rule {other_id} {other_label!r}")
        self.label = label
        self.other_id = other_id
        self.other_label = other_label


class InvalidEndpoint(CaseError):
    """An endpoint that webhooks cannot be sent to.

    `field` is "url" or "secret". `reason`: "not-a-url", "not-a-host", "not-https", "has-credentials", "has-fragment",
    "address-refused", "port-refused", "not-found", "not-a-secret", "unreadable" (a secret sealed with another key).
    `takes`: what may stand there, where that is a list.
    """

    code = "invalid-endpoint"

    def __init__(self, field: str, reason: str, *, takes: Sequence[int] | None = None) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
        self.takes = takes


class NoEndpoint(CaseError):
    """An organisation that takes no webhooks. `organisation` is its code."""

    code = "no-endpoint"

    def __init__(self, organisation: str) -> None:
        super().__init__(organisation)
        self.organisation = organisation


class NoDefaultDesk(CaseError):
    """Nobody takes what no rule takes: the catalogue has not been loaded. `desk` is the organisation's code."""

    code = "no-default-desk"

    def __init__(self, desk: str) -> None:
        super().__init__(f"organisation {desk!r} is missing")
        self.desk = desk


class UnknownCase(CaseError):
    """No such case, or none that this person may see."""

    code = "unknown-case"

    def __init__(self, issue_id: uuid.UUID) -> None:
        super().__init__(str(issue_id))
        self.issue_id = issue_id


class StepIllegal(CaseError):
    """A step that the case, as it stands, does not allow.

    `state` is its state; `happened`: its newest events; `possible`: the steps that are possible now, and who may take
    them. `why`: "state", "stale" (another state than was seen) or "guard"; `guard` and `guard_words` say which.
    `overtaken`: what happened made it illegal; otherwise the case never allowed it.
    """

    code = "case-step-illegal"

    def __init__(self, issue_id: uuid.UUID, step: str, state: str, why: str, **more: object) -> None:
        super().__init__(f"{step} of {issue_id}, which is {state}: {why}")
        self.issue_id = issue_id
        self.step = step
        self.state = state
        self.why = why
        self.overtaken = bool(more.get("overtaken"))
        self.guard = more.get("guard")
        self.guard_words = more.get("guard_words")
        self.happened = more.get("happened")
        self.possible = more.get("possible")


class StepRefused(CaseError):
    """A step that this person may not take. `who`: those who may, in both languages."""

    code = "case-step-refused"

    def __init__(self, issue_id: uuid.UUID, step: str, state: str, who: Sequence[Mapping[str, str]]) -> None:
        super().__init__(f"{step} of {issue_id}")
        self.issue_id = issue_id
        self.step = step
        self.state = state
        self.who = list(who)


class StepInvalid(CaseError):
    """A step that cannot be taken as it was given.

    `field` is at fault. `reason`: "missing", "photo-rule" (the category asks for photos of this step), "photo-unknown"
    (no such photo has come), "photo-elsewhere" (it is of another record), "not-taken" (it takes no such field),
    "choice" (none of its choices), "unknown" (such a step, body or case is not there).
    """

    code = "case-step-invalid"

    def __init__(self, step: str, field: str, reason: str) -> None:
        super().__init__(f"{step}: {field} {reason}")
        self.step = step
        self.field = field
        self.reason = reason


class StepIdReused(CaseError):
    """Another step was taken under this id before."""

    code = "case-step-id-reused"

    def __init__(self, step_id: uuid.UUID) -> None:
        super().__init__(str(step_id))
        self.step_id = step_id


class CallbackRefused(CaseError):
    """A call that is not signed by a secret of the body it says it is of, or not within the last minutes."""

    code = "callback-refused"


class CallbackIdReused(CaseError):
    """Another call came under the id (``webhook-id``) of one that was answered."""

    code = "callback-id-reused"

    def __init__(self, call_id: str) -> None:
        super().__init__(call_id)
        self.call_id = call_id


class UnknownRule(CaseError):
    """No such active rule."""

    code = "unknown-rule"

    def __init__(self, rule_id: int) -> None:
        super().__init__(str(rule_id))
        self.rule_id = rule_id


class UnknownOrganisation(CaseError):
    """No such organisation. `organisation` is the code asked for."""

    code = "unknown-organisation"

    def __init__(self, organisation: str) -> None:
        super().__init__(organisation)
        self.organisation = organisation


class BodyInUse(CaseError):
    """A body that cannot be retired. `organisation` is its code.

    `open_cases`: how many it leads or assists with, `numbers` of the oldest of them; `rules` and `categories` that
    would give it more; `is_default_desk`: it takes what no rule takes.
    """

    code = "body-in-use"

    def __init__(  # what holds it, each by name
        self, organisation: str, *, open_cases: int, numbers: Sequence[str], rules: Sequence[str],
        categories: Sequence[str], is_default_desk: bool,
    ) -> None:  # fmt: skip
        super().__init__(f"{organisation} has {open_cases} open cases")
        self.organisation = organisation
        self.open_cases = open_cases
        self.numbers = list(numbers)
        self.rules = list(rules)
        self.categories = list(categories)
        self.is_default_desk = is_default_desk


class UnknownDelivery(CaseError):
    """No such delivery."""

    code = "unknown-delivery"

    def __init__(self, delivery_id: uuid.UUID) -> None:
        super().__init__(str(delivery_id))
        self.delivery_id = delivery_id


class DeliveryNotRetryable(CaseError):
    """A delivery that needs no retry: `state` is what it is in."""

    code = "delivery-not-retryable"

    def __init__(self, delivery_id: uuid.UUID, state: str) -> None:
        super().__init__(f"{delivery_id} is {state}")
        self.delivery_id = delivery_id
        self.state = state
