"""The errors of imports of boundary files, as data; `server.http.problems` gives each its status and texts.

DraftError
└── BoundaryImportError    base
    ├── ImportTooLarge         more bytes than a boundary file may have
    ├── TooManyImports         a person has as many imports under way as they may
    ├── UnknownImport          no such import of this person
    ├── ImportNotLookedAt      only an import that was looked at, and could be taken, can be taken
    ├── FileHasFaults          faults of the file that keep it from being taken
    └── ImportGivenUp          the import ended its worker too often
"""

from server.grids.errors import DraftError


class BoundaryImportError(DraftError):
    """Base of the errors of imports."""

    code = "import-error"


class ImportTooLarge(BoundaryImportError):
    """The file has more than `limit_bytes`."""

    code = "import-too-large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"> {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


class TooManyImports(BoundaryImportError):
    """As many imports as a person may have under way (`limit`) are."""

    code = "too-many-imports"

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} under way")
        self.limit = limit


class UnknownImport(BoundaryImportError):
    """This person has no import of this id; it may have expired."""

    code = "unknown-import"


class ImportNotLookedAt(BoundaryImportError):
    """The import is in `state`: it cannot be taken, or was taken already."""

    code = "import-not-looked-at"

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class FileHasFaults(BoundaryImportError):
    """`faults` of the file keep it from being taken; the report says which."""

    code = "file-has-faults"

    def __init__(self, faults: int) -> None:
        super().__init__(f"{faults} faults")
        self.faults = faults


class ImportGivenUp(BoundaryImportError):
    """The import was begun `attempts` times and never ended."""

    code = "import-given-up"

    def __init__(self, attempts: int) -> None:
        super().__init__(f"{attempts} attempts")
        self.attempts = attempts
