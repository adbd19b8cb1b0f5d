"""The errors of the cases service.

Owns what can be wrong with rules, catalogue and deliveries, as data: a stable `code` and plain attributes. Must not
know HTTP statuses or the words that people read; `server.problems` gives each class its status and its texts.

    CaseError
    ├── InvalidWorkingHours    working hours that are no hours of one day, in order
    ├── InvalidCatalogue       a category that the catalogue cannot hold
    ├── InvalidRule            a rule that names something that does not exist, or contradicts itself
    ├── RuleTie                two rules that speak of exactly the same cases
    ├── InvalidEndpoint        an address or secret that webhooks cannot be sent with
    ├── NoEndpoint             an organisation that takes no webhooks
    ├── NoDefaultDesk          a city without a body that takes what no rule takes
    ├── UnknownCase            no such case, or none that this person may see
    ├── UnknownRule            no such active rule
    ├── UnknownOrganisation    no such organisation
    ├── UnknownDelivery        no such delivery
    └── DeliveryNotRetryable   a delivery that needs no retry
"""

import uuid
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


class InvalidCatalogue(CaseError):
    """A row of the catalogue that is wrong. `category` is its code."""

    code = "invalid-catalogue"

    def __init__(self, category: str, reason: str) -> None:
        super().__init__(f"{category}: {reason}")
        self.category = category
        self.reason = reason


class InvalidRule(CaseError):
    """A rule that cannot be saved.

    `field` is the field at fault. `reason`: "unknown", "required", "lead-assists", "not-positive", "limit-incomplete".
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

    `field` is "url" or "secret". `reason`: "not-a-url", "not-https", "has-credentials", "has-fragment",
    "address-refused", "not-found", "not-a-secret".
    """

    code = "invalid-endpoint"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


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
