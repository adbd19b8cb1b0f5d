"""Drafts side by side, drawn on, undone, redone, rebased and published at random, held to a simple model.

PATROL_DRAFT_EXAMPLES is how many courses of events are tried.
"""

import datetime as dt
import os
from dataclasses import dataclass, field

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from shapely import LineString
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.coverage.coverage import check
from geo.errors import GeoError
from server.grids import drafts, publishing
from server.grids.checking import check_draft
from server.grids.draft_ground import read_city
from server.grids.errors import (
    DraftError,
    DraftSuperseded,
    GateClosed,
    NothingToPublish,
    NothingToRedo,
    NothingToUndo,
    RebaseConflicts,
)
from server.launch.scratch import scratch_database
from tests.cases.city import migrate
from tests.emptying import empty
from tests.oracle import drafting
from tests.oracle.draft_operations import OPERATIONS, geojson

EXAMPLES = int(os.environ.get("PATROL_DRAFT_EXAMPLES", "8"))
STEPS = 14
STRAY_DEG2 = 1e-10
_LINEAGE = text("""
    SELECT source.code, target.code, how FROM area_lineage
    JOIN area AS source ON source.id = from_area_id JOIN area AS target ON target.id = to_area_id
    WHERE edition_number = :number
""")
_FRAGMENTS = text("""
    SELECT source.code, COALESCE(target.code, ''), ST_AsBinary(edition_fragment.polygon) FROM edition_fragment
    JOIN area AS source ON source.id = from_area_id LEFT JOIN area AS target ON target.id = to_area_id
    JOIN area_kind ON area_kind.code = source.kind AND is_locating
    WHERE edition_number = :number
""")


@dataclass
class Known:
    """What is known of a draft: how it looked after each operation, the first being the edition; and where it is."""

    id: int
    base: int
    states: list = field(default_factory=list)
    now: int = 0


def now():
    return dt.datetime.now(dt.UTC)


def look(city):
    """A city as something that can be compared."""
    return {
        code: (shapely.normalize(multi(tract.polygon)).wkb, tract.name, tract.parent_code)
        for sheet in city.sheets.values()
        for code, tract in sheet.tracts.items()
    }


def multi(ground):
    return shapely.MultiPolygon(shapely.get_parts(ground).tolist())


class Drafting(RuleBasedStateMachine):
    """Anything that staff may do to drafts, in any order."""

    engine = None

    def __init__(self):
        super().__init__()
        self.session = Session(self.engine, expire_on_commit=False)
        # Editions are never deleted, but by this.
        self.session.execute(text("SET LOCAL session_replication_role = replica"))
        empty(self.session, "draft_operation, draft, edition_fragment, area_lineage, edition_move, feed")
        self.session.execute(text("DELETE FROM area_version WHERE lower(editions) > 1"))
        self.session.execute(text("UPDATE area_version SET editions = '[1,)'"))
        self.session.execute(
            text("DELETE FROM area WHERE NOT EXISTS (SELECT FROM area_version WHERE area_id = area.id)")
        )
        self.session.execute(text("DELETE FROM edition WHERE number > 1"))
        self.session.execute(text("UPDATE edition SET in_force = '[2026-01-01,)', published_at = clock_timestamp()"))
        self.session.commit()
        self.known = {}
        self.made, self.newest = 0, 1
        self.force = read_city(self.session, 1)

    def teardown(self):
        self.session.rollback()
        self.session.close()

    def drawn(self, known):
        return drafts.drawn(self.session, drafts.find(self.session, known.id)).after

    def draft(self, data):
        return self.known[data.draw(st.sampled_from(sorted(self.known)))]

    def code(self, parent=drafting.COMMUNITIES[0]):
        self.made += 1
        return f"{parent}{100 + self.made}"

    @initialize(data=st.data())
    def begin_and_draw(self, data):
        self.begin()
        self.draw(data=data, times=3)

    @precondition(lambda self: len(self.known) < 3)
    @rule()
    def begin(self):
        draft = drafts.begin(self.session, name="改", author="test", now=now())
        self.known[draft.id] = Known(draft.id, self.newest, [look(self.force)])

    @precondition(lambda self: self.known)
    @rule(data=st.data(), times=st.integers(1, 4))
    def draw(self, data, times):
        known = self.draft(data)
        for _ in range(times):
            self.operate(known, data)

    def operate(self, known, data):
        city = self.drawn(known)
        operation = data.draw(st.sampled_from(sorted(OPERATIONS)).map(OPERATIONS.get))(self, city, data)
        if operation is None:
            return
        draft = drafts.lock(self.session, known.id, "any")
        version, before = draft.version, drafting.owners(city)
        sent = {name: value for name, value in operation.items() if name != "kind"}
        try:
            drafts.do(self.session, draft, operation["kind"], sent, author="test", now=now())
        except (GeoError, DraftError) as error:
            event(f"{operation['kind']}: {error.code}")
            assert (draft.version, look(self.drawn(known))) == (version, known.states[known.now])
            return
        event(f"{operation['kind']}: done")
        after = drafting.owners(self.drawn(known))
        wanted = drafting.expected(before, operation)
        wrong = np.array([each is not None for each in wanted]) & (wanted != after)
        assert not wrong.any(), (operation, before[wrong], wanted[wrong], after[wrong])
        among = np.array([each is None for each in wanted])
        allowed = operation.get("codes") or [operation.get(side, {}).get("code") for side in ("left", "right")]
        assert np.isin(after[among], allowed).all()
        known.states[known.now + 1 :] = [look(self.drawn(known))]
        known.now += 1

    @precondition(lambda self: self.known)
    @rule(data=st.data(), ways=st.lists(st.booleans(), min_size=1, max_size=3))
    def turn(self, data, ways):
        known = self.draft(data)
        for back in ways:
            self.turn_once(known, back=back)

    def turn_once(self, known, *, back):
        draft = drafts.lock(self.session, known.id, "any")
        there = known.now + (-1 if back else 1)
        if 0 <= there < len(known.states):
            (drafts.undo if back else drafts.redo)(self.session, draft)
            known.now = there
        else:
            with pytest.raises(NothingToUndo if back else NothingToRedo):
                (drafts.undo if back else drafts.redo)(self.session, draft)
        assert look(self.drawn(known)) == known.states[known.now]

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def publish(self, data):
        known = self.draft(data)
        draft = drafts.lock(self.session, known.id, "any")
        newest = drafts.newest_edition(self.session)
        try:
            order = publishing.order_of(self.session, draft, by="test", note="")
            done = publishing.put_into_force(self.session, draft, order, now)
        except DraftSuperseded:
            assert draft.base_edition < newest
            return
        except GateClosed:
            assert not drafting.is_publishable(self.force, self.drawn(known))
            return
        except NothingToPublish:
            assert known.states[known.now] == known.states[0]
            return
        assert (draft.base_edition, done.number) == (newest, newest + 1)
        event("published")
        self.session.commit()
        self.newest = done.number
        before, self.force = self.force, read_city(self.session, done.number)
        assert look(self.force) == known.states[known.now]
        self.require_told(done.number, before)
        del self.known[known.id]

    def require_told(self, number, before):
        """Fragments hold just the points that went elsewhere, and the lineage tells what new and lost areas shared."""
        was, is_now = drafting.owners(before), drafting.owners(self.force)
        moved = np.full(was.shape, None, dtype=object)
        points = shapely.points(drafting.POINTS)
        for source, target, wkb in self.session.execute(_FRAGMENTS, {"number": number}):
            inside = shapely.contains(shapely.from_wkb(bytes(wkb)), points)
            assert (was[inside] == source).all()
            assert (moved[inside] == None).all()  # noqa: E711 - of each in an array
            moved[inside] = target
        stays = (was == is_now) | (was == "")
        assert [each is None for each in moved] == stays.tolist()
        assert (moved[~stays] == is_now[~stays]).all()
        told = {
            (source, target)
            for source, target, how in self.session.execute(_LINEAGE, {"number": number})
            if source != target
        }
        grids = before.grids.tracts.keys() | self.force.grids.tracts.keys()
        for pair, share in drafting.shares(before, self.force).items():
            if not 0.0005 < share < 0.002:
                assert (pair in told) == (share > 0.001), (pair, share)
        assert all({*pair} <= grids or not {*pair} & grids for pair in told)

    @precondition(lambda self: any(known.base < self.newest for known in self.known.values()))
    @rule(data=st.data(), on_conflict=st.sampled_from(["refuse", "leave-out", "apply"]))
    def rebase(self, data, on_conflict):
        known = self.draft(data)
        draft = drafts.lock(self.session, known.id, "any")
        base, version = draft.base_edition, draft.version
        stood = known.now
        try:
            found = publishing.rebase(self.session, draft, on_conflict)
        except RebaseConflicts:
            assert (on_conflict, draft.base_edition, draft.version) == ("refuse", base, version)
            assert look(self.drawn(known)) == known.states[known.now]
            return
        event(f"rebase: {len(found)} conflicts, {on_conflict}")
        out = {each.position for each in found if on_conflict == "leave-out" or not each.fits}
        left = drafts.operations(self.session, draft)
        assert [row.position for row in left] == list(range(1, stood - len(out) + 1))
        assert draft.base_edition == drafts.newest_edition(self.session)
        known.base = draft.base_edition
        # What it came to is known by undoing: at the very beginning it is the edition in force.
        known.states, known.now = [look(self.drawn(known))], len(left)
        for _ in left:
            drafts.undo(self.session, draft)
            known.states.insert(0, look(self.drawn(known)))
        for _ in left:
            drafts.redo(self.session, draft)
        assert known.states[0] == look(self.force)
        assert known.states[-1] == look(self.drawn(known))

    @invariant()
    def drafts_are_coverages_under_parents_that_fit_and_nothing_is_in_force_but_what_was_published(self):
        assert look(read_city(self.session, drafts.newest_edition(self.session))) == look(self.force)
        for known in self.known.values():
            done = drafts.drawn(self.session, drafts.find(self.session, known.id))
            city = done.after
            assert look(city) == known.states[known.now]
            shapes = [tract.polygon for tract in city.grids.tracts.values()]
            assert [each.code for each in check(shapes, 1.0) if each.severity == "error"] == []
            assert all(len(shapely.get_parts(each)) == 1 for each in shapes)
            checked = check_draft(done.before, city)
            assert checked.is_open == drafting.is_publishable(done.before, city), checked.errors
            named = {code for each in checked.findings if each.code == "outside-parent" for code in each.areas}
            assert drafting.misplaced(city) == set()
            at_base = drafting.strays(done.before)
            for code, outside in drafting.strays(city).items():
                parent = city.sheets["zone"][code].parent_code
                stayed = outside <= at_base[code] * (1 + 1e-6) + STRAY_DEG2
                assert stayed or code in named or parent not in city.grids.tracts, (code, outside, at_base[code])


@pytest.fixture(scope="module")
def drafting_city(cluster_url):
    with scratch_database(cluster_url) as url:
        engine = migrate(url)
        with Session(engine) as session:
            drafting.found(session)
            session.commit()
        yield engine
        engine.dispose()


def test_a_community_beside_one_that_is_drawn_anew_receives_its_nodes(drafting_city):
    Drafting.engine = drafting_city
    machine = Drafting()
    machine.begin()
    draft = drafts.find(machine.session, *machine.known)
    whole = machine.force.grids["360725100002005"].polygon.representative_point()
    line = LineString([(whole.x - 0.05, whole.y), (whole.x + 0.05, whole.y)])
    cut = {"code": "360725100002005", "line": geojson(line)} | {
        side: {"code": code} for side, code in (("left", "360725100002005"), ("right", machine.code()))
    }
    for kind, sent in (("retire", {"code": "360725100002004"}), ("split", cut)):
        drafts.do(machine.session, draft, kind, sent, author="test", now=now())
    done = drafts.drawn(machine.session, draft)
    checked = check_draft(done.before, done.after)
    machine.teardown()
    assert checked.is_open, [each.text for each in checked.errors]


def test_whatever_staff_do_to_drafts_they_end_as_a_simple_model_says(drafting_city):
    Drafting.engine = drafting_city
    run_state_machine_as_test(
        Drafting,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None,
            suppress_health_check=list(HealthCheck),
            # A course takes seconds: to make a failing one shorter would take many minutes.
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
        ),
    )  # fmt: skip
