"""The errors of drafts.

Owns what can be wrong with a draft, as data. Must not know HTTP; `server.http.problems` gives each its status and
texts.

    DraftError
    ├── UnknownDraft           no such draft
    ├── DraftNeedsVersion      a change without the version that its author saw
    ├── DraftChanged           the draft is not what its author saw
    ├── DraftPublished         a draft that was published can be read, and no more
    ├── DraftPlanned           a draft that waits for its time does not change
    ├── NothingToUndo          no operation stands
    ├── NothingToRedo          no operation was undone last
    ├── NothingToPublish       the draft changes nothing
    ├── AreaNotYours           an operation on areas of which somebody else is GIS staff
    ├── OperationRefused       an operation that lacks something, or speaks of the wrong kind of area
    ├── DraftSuperseded         another edition is in force than the one drawn over
    ├── RebaseConflicts        operations that do not fit on the newer edition
    └── GateClosed             areas that must not be put into force
"""

from collections.abc import Sequence
from typing import Any, ClassVar


class DraftError(Exception):
    """Base of the errors of drafts. Attributes are set once, by the constructor."""

    code: ClassVar[str] = "draft-error"

    @property
    def data(self) -> dict[str, object]:
        """What the error carries, by name, without what was left unsaid (None)."""
        return {name: value for name, value in vars(self).items() if value is not None}


class UnknownDraft(DraftError):
    """No draft has this number."""

    code = "unknown-draft"

    def __init__(self, draft: int) -> None:
        super().__init__(f"draft {draft}")
        self.draft = draft


class DraftNeedsVersion(DraftError):
    """A change that does not say (If-Match) over which version it was made."""

    code = "draft-needs-version"


class DraftChanged(DraftError):
    """The draft is at another version than the change was made over."""

    code = "draft-changed"

    def __init__(self, version: int) -> None:
        super().__init__(f"at version {version}")
        self.version = version


class DraftPublished(DraftError):
    """The draft was published as `edition`."""

    code = "draft-published"

    def __init__(self, edition: int) -> None:
        super().__init__(f"as edition {edition}")
        self.edition = edition


class DraftPlanned(DraftError):
    """The draft waits to be published at `at`, by the plan `plan`."""

    code = "draft-planned"

    def __init__(self, plan: int, at: str) -> None:
        super().__init__(f"plan {plan} at {at}")
        self.plan = plan
        self.at = at


class NothingToUndo(DraftError):
    """No operation of the draft stands."""

    code = "nothing-to-undo"


class NothingToRedo(DraftError):
    """The last operation stands."""

    code = "nothing-to-redo"


class NothingToPublish(DraftError):
    """The draft comes to what is in force."""

    code = "nothing-to-publish"


class AreaNotYours(DraftError):
    """An operation on `area`, or on the whole city (None), of which the person is not GIS staff."""

    code = "area-not-yours"

    def __init__(self, area: object) -> None:
        super().__init__(f"area {area}")
        self.area = area


class OperationRefused(DraftError):
    """An operation that cannot be read.

    `field` is the field at fault. `reason`: "required", "unknown-kind", "other-kind" (the areas are not of one kind),
    "unknown-parent", "parent-not-above"; of dividing evenly "not-grids", "not-just-above" (there are areas between it
    and the grids), "not-a-range", "nothing-to-move" (all are within the range, or nothing helps), "too-many",
    "no-codes-left". `known`: what the field may be instead.
    """

    code = "operation-refused"

    def __init__(self, field: str, reason: str, known: tuple[str, ...] | None = None) -> None:
        super().__init__(f"{field}: {reason}" + (f"; there are {', '.join(known)}" if known else ""))
        self.field = field
        self.reason = reason
        self.known = known


class DraftSuperseded(DraftError):
    """Edition `newest` is in force, the draft is over `base`. `conflicts` as of RebaseConflicts; () where all fits."""

    code = "draft-base-superseded"

    def __init__(self, base: int, newest: int, conflicts: Sequence[dict[str, Any]]) -> None:
        super().__init__(f"over edition {base}, {newest} is in force")
        self.base = base
        self.newest = newest
        self.conflicts = list(conflicts)


class RebaseConflicts(DraftError):
    """Operations that do not fit: each with `position`, `kind`, `areas`, `problem` (its code) and the place."""

    code = "draft-conflicts"

    def __init__(self, newest: int, conflicts: Sequence[dict[str, Any]]) -> None:
        super().__init__(f"{len(conflicts)} operations do not fit on edition {newest}")
        self.newest = newest
        self.conflicts = list(conflicts)


class GateClosed(DraftError):
    """Areas that must not be put into force; `findings` are GeoJSON features."""

    code = "gate-closed"

    def __init__(self, findings: Sequence[dict[str, Any]]) -> None:
        super().__init__(f"{len(findings)} findings")
        self.findings = list(findings)
