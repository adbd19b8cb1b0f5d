"""The walk of an import: claim, fetch, read and mend, report, then look at what would come of it, or do it.

Owns that order, and that an import ends once however often its process is killed: what it does and that it is done are
one commit, under the claim. No transaction is open while a file is read. Must not know queues or requests.
"""

import datetime as dt
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from geo.editions import Ground
from geo.errors import GeoError, UnsupportedFile
from server.accounts.charge import areas_of_role
from server.accounts.errors import AccountError
from server.attachments.finishing import Transaction
from server.attachments.store import Store
from server.grids import drafts, import_store, imports
from server.grids.checking import check_draft
from server.grids.errors import DraftError
from server.grids.fault_words import WORDS
from server.grids.import_errors import FileHasFaults, ImportGivenUp
from server.grids.import_store import Kept
from server.grids.importing import (
    Settled,
    counts_of,
    ensure_kinds,
    look,
    nesting_faults,
    parameters_over,
    put_into_edition,
    settle,
    settle_in_city,
)
from server.grids.imports import ATTEMPTS, Claimed
from server.grids.reading import Reading, Wanted, feature_of, read_areas
from server.grids.rights import require_charge
from sync.errors import SyncError
from sync.flip import into_force

ROLES: Final = ("gis", "admin")
_HOLD_EVERY_S: Final = 15.0
_TELL_EVERY_S: Final = 1.0
_MOST_FEATURES: Final = 2000
# Whoever opens the draft does its operations anew: so many areas take some ten seconds.
_MOST_IN_DRAFT: Final = 20_000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ended:
    """An import that this process ended; ``published``: as an edition, which records must follow."""

    id: uuid.UUID
    published: bool = False


@dataclass(frozen=True)
class Importer:
    """Does the work. ``clock`` returns the time, aware UTC; ``ground_of`` the ground in force, None before any was."""

    transaction: Transaction
    store: Store
    clock: Callable[[], dt.datetime]
    ground_of: Callable[[Session], Ground | None]

    def import_next(self) -> Ended | None:
        """Work on the import that waits longest; None where none does. Safe to kill at any moment."""
        with self.transaction() as session:
            claimed = imports.claim(session, self.clock())
        if claimed is None:
            return None
        try:
            if claimed.is_exhausted:
                raise ImportGivenUp(ATTEMPTS)
            with self._held(claimed):
                return Ended(claimed.id, published=self._do(claimed))
        except (GeoError, DraftError, AccountError, SyncError) as error:
            self._refuse(claimed, error)
            return Ended(claimed.id)

    def expire(self) -> int:
        """Take away imports whose time is over, their bytes first; return how many."""
        with self.transaction() as session:
            over = imports.expired(session, self.clock(), limit=100)
        for import_id in over:
            import_store.remove(self.store, import_id)
            with self.transaction() as session:
                imports.forget(session, import_id)
        return len(over)

    def _do(self, claimed: Claimed) -> bool:
        reading = self._read(claimed)
        if reading.refused:
            raise FileHasFaults(reading.refused)
        if claimed.asked.draft is not None:
            self._into_draft(claimed, reading)
            return False
        return self._into_edition(claimed, reading)

    def _read(self, claimed: Claimed) -> Reading:
        asked = claimed.asked
        with tempfile.TemporaryDirectory(prefix="import-") as folder:
            kept = Kept(claimed.suffix, 0, claimed.parts)
            path = import_store.fetch(self.store, claimed.id, kept, Path(folder))
            given = (asked.kind, asked.parent, asked.name_field, asked.code_field, asked.crs, asked.layer)
            reading = read_areas(Wanted(path, *given), self._told(claimed))
        with self.transaction() as session:
            outside = nesting_faults(session, asked.kind, asked.parent, reading.areas)
            found = [*reading.as_features(), *(feature_of(who, fault) for who, fault in outside)]
            imports.report(session, claimed, _report(found))
        return reading

    def _into_edition(self, claimed: Claimed, reading: Reading) -> bool:
        """Publish what was read, or look what would come of it; return whether it was published."""
        asked = claimed.asked
        with self.transaction() as session:
            if not imports.lock(session, claimed):
                return False
            with session.begin_nested() as trial:
                ensure_kinds(session)
                settled = settle(
                    session, asked.kind, reading.areas, parent=asked.parent, retire_missing=asked.retire_missing
                )
                self._require_charge(session, claimed, settled)
                if claimed.dry_run:
                    outcome = look(session, settled)
                    trial.rollback()
                else:
                    name = f"导入 {claimed.file}"
                    done = put_into_edition(session, settled, by=claimed.login, name=name, now=self.clock())
                    outcome = counts_of(done)
            edition = None if claimed.dry_run or not done.is_new else done.number
            self._end(session, claimed, reading, {**outcome, "edition": edition})
            if edition is None:
                return False
            into_force(session, done, self.clock)
            return True

    def _into_draft(self, claimed: Claimed, reading: Reading) -> None:
        """Do what was read as one operation of a draft; where it is only looked at, that is undone after the gate."""
        with self.transaction() as session:
            if not imports.lock(session, claimed):
                return
            with session.begin_nested() as trial:
                outcome, found = self._drawn(session, claimed, reading)
                if claimed.dry_run:
                    trial.rollback()
            if found:
                imports.report(session, claimed, _report([*reading.as_features(), *found]))
            self._end(session, claimed, reading, outcome)

    def _drawn(
        self, session: Session, claimed: Claimed, reading: Reading
    ) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Do the operation; return what it changes and, where it is only looked at, what the gate finds then."""
        asked, by, now = claimed.asked, claimed.login, self.clock()
        if asked.draft is None or asked.draft == "new":
            draft = drafts.begin(session, name=f"导入 {claimed.file}"[:100], author=by, now=now)
        else:
            draft = drafts.lock(session, asked.draft, asked.seen)
        city = drafts.as_drawn(session, draft)
        settled = settle_in_city(
            city, asked.kind, reading.areas, parent=asked.parent, retire_missing=asked.retire_missing
        )
        self._require_charge(session, claimed, settled)
        given, counts = parameters_over(city, settled, claimed.file)
        if len(given["areas"]) > _MOST_IN_DRAFT:
            raise UnsupportedFile("too-many-in-a-draft", f"> {_MOST_IN_DRAFT}")
        if given["areas"] or given["retired"]:
            drafts.do(session, draft, "replace", given, author=by, now=now)
        elif asked.draft == "new":
            drafts.give_up(session, draft)
            return {**counts, "draft": None}, []
        if not claimed.dry_run:
            return {**counts, "draft": draft.id}, []
        done = drafts.drawn(session, draft)
        checked = check_draft(done.before, done.after)
        number = None if asked.draft == "new" else draft.id
        return {**counts, "draft": number, "open": checked.is_open}, [each.as_feature() for each in checked.findings]

    def _require_charge(self, session: Session, claimed: Claimed, settled: Settled) -> None:
        now = self.clock()
        tops = [areas_of_role(session, claimed.person_id, role, now=now) for role in ROLES]
        require_charge(self.ground_of(session), frozenset().union(*tops), [settled.operation])

    def _end(self, session: Session, claimed: Claimed, reading: Reading, outcome: dict[str, Any]) -> None:
        facts: dict[str, Any] = {"areas": len(reading.areas), "mended": reading.mended, "faults": len(reading.faults)}
        facts |= {"crs": reading.crs, "encoding": reading.encoding, "fields": list(reading.fields)}
        stored = 0 if claimed.dry_run else outcome["added"] + outcome["changed"]
        imports.tell(session, claimed, "stored", stored)
        imports.end(session, claimed, {**facts, **outcome}, self.clock())

    def _refuse(self, claimed: Claimed, error: GeoError | DraftError | AccountError | SyncError) -> None:
        log.info("a boundary file was refused", import_id=str(claimed.id), error=error.code)
        told = {"code": error.code, **_plain(error.data)}
        places = _places(told.pop("faults")) if isinstance(told.get("faults"), list) else []
        with self.transaction() as session:
            if places:
                before = imports.reported(session, claimed)
                imports.report(session, claimed, _report([*places, *before]))
            imports.refuse(session, claimed, told, self.clock())

    def _told(self, claimed: Claimed) -> Callable[[str, int], None]:
        """Returns what notes how far the reading is, now and then."""
        last: dict[str, float] = {}

        def told(step: str, count: int) -> None:
            if time.monotonic() - last.get(step, 0.0) >= _TELL_EVERY_S or step == "checked":
                with self.transaction() as session:
                    imports.tell(session, claimed, step, count)
                last[step] = time.monotonic()

        return told

    @contextmanager
    def _held(self, claimed: Claimed) -> Iterator[None]:
        """Keep the claim while this process lives."""
        done = threading.Event()

        def hold() -> None:
            while not done.wait(_HOLD_EVERY_S):
                try:
                    with self.transaction() as session:
                        imports.hold(session, claimed, self.clock())
                except SQLAlchemyError as error:
                    log.warning("could not hold an import; trying again", error=str(error))

        thread = threading.Thread(target=hold, name="import-hold", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def _report(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A GeoJSON FeatureCollection of the worst, and how many there are of each sort."""
    order = {"error": 0, "warning": 1, "note": 2}
    worst = sorted(found, key=lambda each: order.get(each["properties"]["severity"], 3))
    sorts = Counter(each["properties"]["code"] for each in found)
    counts = {"total": len(found), "by_code": dict(sorts.most_common())}
    return {"type": "FeatureCollection", **counts, "features": worst[:_MOST_FEATURES]}


def _places(faults: Any) -> list[dict[str, Any]]:
    """The places of a coverage that would be broken, as features of a report."""
    found = []
    for each in faults:
        zh, en = WORDS.get(each["code"], (each["code"], each["code"]))
        geometry = {"type": "Point", "coordinates": [each["lon"], each["lat"]]}
        told = {name: each[name] for name in ("code", "areas", "area_m2", "width_m")}
        properties = {**told, "severity": "error", "refused": True, "text": {"zh": zh, "en": en}}
        found.append({"type": "Feature", "geometry": geometry, "properties": properties})
    return found


def _plain(data: dict[str, object]) -> dict[str, Any]:
    """What an error carries, as JSON has it."""
    lists = {name: list(value) if isinstance(value, tuple) else value for name, value in data.items()}
    known = (str, int, float, bool, list, dict)
    return {name: value if isinstance(value, known) else str(value) for name, value in lists.items()}
