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
from shapely.errors import ShapelyError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from geo.errors import GeoError, UnsupportedFile
from server.accounts.charge import read_charge
from server.accounts.errors import AccountError
from server.attachments.finishing import Transaction
from server.attachments.store import Store
from server.grids import drafts
from server.grids.checking import check_draft
from server.grids.errors import DraftError
from server.grids.imports import rows as imports
from server.grids.imports import store as import_store
from server.grids.imports.apply import (
    Settled,
    beside_standing,
    counts_of,
    ensure_kinds,
    look,
    parameters_over,
    put_into_edition,
    settle,
    settle_in_city,
)
from server.grids.imports.errors import FileHasFaults, ImportGivenUp
from server.grids.imports.fault_report import LEVELS, as_features, level_of
from server.grids.imports.fault_words import WORDS
from server.grids.imports.parse import Reading, Wanted, read_areas
from server.grids.imports.rows import ATTEMPTS, ClaimedImport
from server.grids.imports.store import Kept
from server.grids.rights import Drawer, owner_of, require_charge
from sync.errors import SyncError
from sync.redraw.cutover import into_force
from sync.store import dead_letters
from sync.store.dead_letters import NOT_OF_AN_ITEM, Aside

QUEUE: Final = "imports"
ROLES: Final = ("gis", "admin")
_HOLD_EVERY_S: Final = 15.0
_TELL_EVERY_S: Final = 1.0
_MOST_FEATURES: Final = 2000
_MOST_OF_A_CODE: Final = 300
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
            return self._end_or_refuse(claimed)
        except NOT_OF_AN_ITEM:
            raise
        except Exception as error:
            # It is tried again and given up in the end; then the others go on.
            log.exception("an import broke off", importing=str(claimed.id))
            Aside(QUEUE, self.transaction, self.clock).put(str(claimed.id), error)
            with self.transaction() as session:
                imports.let_go(session, claimed, self.clock())
            return Ended(claimed.id)

    def _end_or_refuse(self, claimed: ClaimedImport) -> Ended:
        try:
            return Ended(claimed.id, published=self._work_on(claimed))
        except (GeoError, DraftError, AccountError, SyncError) as error:
            self._refuse(claimed, error)
        except ShapelyError as error:
            # The same file would meet it the next time.
            log.exception("a boundary file broke what followed its reading", import_id=str(claimed.id))
            self._refuse(claimed, UnsupportedFile("unreadable", type(error).__name__))
        return Ended(claimed.id)

    def _work_on(self, claimed: ClaimedImport) -> bool:
        if claimed.is_exhausted:
            raise ImportGivenUp(ATTEMPTS)
        with self._held(claimed):
            return self._do(claimed)

    def expire(self) -> int:
        """Take away imports whose time is over, their bytes first; return how many."""
        with self.transaction() as session:
            over = imports.expired(session, self.clock(), limit=100)
        for import_id in over:
            import_store.remove(self.store, import_id)
            with self.transaction() as session:
                imports.forget(session, import_id)
        return len(over)

    def _do(self, claimed: ClaimedImport) -> bool:
        reading = self._read(claimed)
        if reading.refused:
            raise FileHasFaults(reading.refused)
        if claimed.asked.draft is not None:
            self._into_draft(claimed, reading)
            return False
        return self._into_edition(claimed, reading)

    def _read(self, claimed: ClaimedImport) -> Reading:
        asked = claimed.asked
        with tempfile.TemporaryDirectory(prefix="import-") as folder:
            kept = Kept(claimed.suffix, 0, claimed.parts)
            path = import_store.fetch(self.store, claimed.id, kept, Path(folder))
            names = ("kind", "parent", "name_field", "code_field", "parent_field", "crs", "encoding", "layer")
            wanted = Wanted(path, **{name: getattr(asked, name) for name in names})
            reading = read_areas(wanted, self._told(claimed))
        with self.transaction() as session:
            # In a draft that is there, areas may have the parents that it gave them; its own checks ask about those.
            free = asked.root or isinstance(asked.draft, int)
            reading = beside_standing(session, reading, asked.kind, asked.parent, new_root=free)
            imports.report(session, claimed, _report(reading))
        return reading

    def _into_edition(self, claimed: ClaimedImport, reading: Reading) -> bool:
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

    def _into_draft(self, claimed: ClaimedImport, reading: Reading) -> None:
        """Do what was read as one operation of a draft; where it is only looked at, that is undone after the gate."""
        with self.transaction() as session:
            if not imports.lock(session, claimed):
                return
            with session.begin_nested() as trial:
                outcome, found = self._drawn(session, claimed, reading)
                if claimed.dry_run:
                    trial.rollback()
            if found:
                imports.report(session, claimed, _report(reading, found))
            self._end(session, claimed, reading, outcome)

    def _drawn(
        self, session: Session, claimed: ClaimedImport, reading: Reading
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
        given, counts = parameters_over(city, settled, claimed.file)
        if len(given["areas"]) > _MOST_IN_DRAFT:
            raise UnsupportedFile("too-many-in-a-draft", f"> {_MOST_IN_DRAFT}")
        if given["areas"] or given["retired"]:
            ground = self.ground_of(session)
            drawer = Drawer(by, self._tops(session, claimed), ground)
            drawer.require_discarding(session, draft)
            drafts.do(session, draft, "replace", given, author=by, now=now)
            drawer.require_done(session, draft, owner_of(session, draft, ground, now=now))
        elif asked.draft == "new":
            drafts.give_up(session, draft)
            return {**counts, "draft": None}, []
        if not claimed.dry_run:
            return {**counts, "draft": draft.id}, []
        done = drafts.drawn(session, draft)
        checked = check_draft(done.before, done.after)
        number = None if asked.draft == "new" else draft.id
        return {**counts, "draft": number, "open": checked.is_open}, [each.as_feature() for each in checked.findings]

    def _require_charge(self, session: Session, claimed: ClaimedImport, settled: Settled) -> None:
        require_charge(self.ground_of(session), self._tops(session, claimed), [settled.operation])

    def _tops(self, session: Session, claimed: ClaimedImport) -> frozenset[int]:
        return read_charge(session, claimed.person_id, now=self.clock()).areas(*ROLES)

    def _end(self, session: Session, claimed: ClaimedImport, reading: Reading, outcome: dict[str, Any]) -> None:
        facts: dict[str, Any] = {"areas": len(reading.areas), "mended": reading.mended, "faults": len(reading.faults)}
        facts |= {"crs": reading.crs, "encoding": reading.encoding, "fields": list(reading.fields)}
        stored = 0 if claimed.dry_run else outcome["added"] + outcome["changed"]
        imports.tell(session, claimed, "stored", stored)
        imports.end(session, claimed, {**facts, **outcome}, self.clock())
        dead_letters.take_back(session, QUEUE, [str(claimed.id)])

    def _refuse(self, claimed: ClaimedImport, error: GeoError | DraftError | AccountError | SyncError) -> None:
        log.info("a boundary file was refused", import_id=str(claimed.id), error=error.code)
        told = {"code": error.code, **_plain(error.data)}
        places = _places(told.pop("faults")) if isinstance(told.get("faults"), list) else []
        with self.transaction() as session:
            if places:
                imports.report(session, claimed, _with_places(imports.reported(session, claimed), places))
            imports.refuse(session, claimed, told, self.clock())
            dead_letters.take_back(session, QUEUE, [str(claimed.id)])

    def _told(self, claimed: ClaimedImport) -> Callable[[str, int], None]:
        """Returns what notes how far the reading is, now and then."""
        last: dict[str, float] = {}

        def told(step: str, count: int) -> None:
            if time.monotonic() - last.get(step, 0.0) >= _TELL_EVERY_S or step == "checked":
                with self.transaction() as session:
                    imports.tell(session, claimed, step, count)
                last[step] = time.monotonic()

        return told

    @contextmanager
    def _held(self, claimed: ClaimedImport) -> Iterator[None]:
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


def _report(reading: Reading, more: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """A GeoJSON FeatureCollection of the worst, and how many there are of each sort and of each level."""
    levels = Counter(level_of(fault) for _, fault in reading.faults)
    told: dict[str, Any] = {
        "type": "FeatureCollection",
        "total": len(reading.faults),
        "by_code": dict(Counter(fault.code for _, fault in reading.faults).most_common()),
        "by_level": {level: levels[level] for level in LEVELS if levels[level]},
        "features": as_features(reading.faults, _MOST_OF_A_CODE)[:_MOST_FEATURES],
    }
    return _with_places(told, more)


def _with_places(report: dict[str, Any], found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A report with what was found beside those in force before all else."""
    sorts = Counter({**report.get("by_code", {})})
    sorts.update(each["properties"]["code"] for each in found)
    features = [*found, *report.get("features", [])][:_MOST_FEATURES]
    total = report.get("total", 0) + len(found)
    return {**report, "total": total, "by_code": dict(sorts.most_common()), "features": features}


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
