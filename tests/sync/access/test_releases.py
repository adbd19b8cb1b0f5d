"""What staff release from quarantine takes effect by their own right, as what it was and nothing else."""

import datetime as dt
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import text

from sync.errors import BecomesPublic, MendedInvalid
from sync.resolution import review
from sync.resolution.review import InCharge, Mended
from tests.cases import city
from tests.cases.city import IN_EAST, IN_WEST
from tests.sync.access.ruling import (
    DONE,
    MET,
    PRIVATE,
    assign,
    days_ago,
    end_all,
    owned,
    put_household,
    rows,
    settle,
    settling,
    status_of,
    whole,
)

__all__ = ["assign", "owned", "settle", "settling"]


class TestRelease:
    @pytest.fixture
    def refused(self, phone_of, session):
        """An operation of a worker of the west in quarantine, and what its release needs."""
        phone = phone_of("west")

        def make(op=None):
            sent = op or phone.issue(category="9999")
            assert phone.push(sent)[0]["status"] == "quarantined"
            return session.scalar(text("SELECT id FROM operation WHERE op_id = :id"), {"id": sent["op_id"]}), sent

        make.phone = phone
        return make

    @pytest.fixture
    def west_chief(self, session, assign):
        login = f"chief-{uuid.uuid4().hex[:6]}"
        session.execute(text("INSERT INTO person (login, name) VALUES (:login, :login)"), {"login": login})
        assign(login, "supervisor", city.WEST)
        west = city.id_of(session, "area", city.WEST)
        return InCharge(
            city.id_of(session, "person", login), [west], [west], everywhere=False, now=dt.datetime.now(dt.UTC)
        )

    @pytest.mark.long
    @pytest.mark.parametrize(
        "mended",
        [
            lambda theirs: {"record_id": uuid.UUID(theirs[0]), "data": {"category": "0301", "address_text": "x"}},
            lambda theirs: {"record_id": uuid.UUID(theirs[0]), "action": "delete", "data": {}},
            lambda theirs: {"record_id": theirs[2], "collection": "tasks", "action": "patch", "data": DONE},
            lambda theirs: {"record_id": theirs[2], "collection": "tasks", "action": "put", "data": DONE},
            lambda theirs: {"record_id": uuid.UUID(theirs[1]), "collection": "visits", "data": MET},
            lambda theirs: {"collection": "households", "record_id": theirs[3], "data": {"building": "x"}},
        ],
        ids=["onto an issue", "a deletion", "onto a task", "a task put", "onto a visit", "a household put"],
    )  # fmt: skip
    def test_a_release_does_not_become_another_operation(self, refused, west_chief, owned, session, settling, mended):
        operation, _ = refused()
        before = whole(session)
        with pytest.raises(MendedInvalid) as told:
            review.release(session, west_chief, operation, Mended(**mended(owned[1])), settling, note="")
        assert told.value.reason.code in ("mended-elsewhere", "action-not-allowed", "fields-invalid")
        assert whole(session) == before

    @pytest.mark.parametrize("collection", ["tasks", "households"])
    def test_an_action_that_a_collection_has_not_is_not_released(
        self, refused, west_chief, session, settling, collection
    ):
        data = {"tasks": {"state": "done"}, "households": {"building": "x"}}[collection]
        operation, _ = refused(refused.phone.op(collection, data))
        with pytest.raises(MendedInvalid):
            review.release(session, west_chief, operation, Mended(), settling, note="")

    def test_a_field_that_phones_may_not_change_is_not_released(self, refused, west_chief, session, settling):
        home = put_household(session, at=IN_WEST, grid=city.WEST)
        operation, _ = refused(refused.phone.patch("households", str(home), {"rev": 1}, building="二栋"))
        with pytest.raises(MendedInvalid) as told:
            review.release(session, west_chief, operation, Mended(), settling, note="")
        assert (told.value.reason.code, told.value.reason.faults) == (
            "field-not-allowed", (("data.building", "field-not-allowed"),),
        )  # fmt: skip
        review.release(session, west_chief, operation, Mended(data={"needs": ["看护"]}), settling, note="")

    def test_nobody_releases_upon_a_record_beyond_their_duty(self, refused, west_chief, owned, session, settling):
        operation, _ = refused(refused.phone.patch("issues", owned[1][0], {"rev": 1}, description="mine"))
        with pytest.raises(MendedInvalid) as told:
            review.release(session, west_chief, operation, Mended(), settling, note="")
        assert told.value.reason.code == "beyond-ruling"

    def test_nobody_releases_a_record_to_a_place_beyond_their_duty(self, refused, west_chief, session, settling):
        operation, sent = refused(refused.phone.visit(IN_EAST))
        with pytest.raises(MendedInvalid) as told:
            review.release(session, west_chief, operation, Mended(), settling, note="")
        assert told.value.reason.code == "beyond-ruling"
        there = {"location": {"lon": IN_WEST[0], "lat": IN_WEST[1]}}
        review.release(session, west_chief, operation, Mended(data=sent["data"] | there), settling, note="")

    def test_a_release_whose_releaser_lost_the_duty_goes_back_into_quarantine(
        self, refused, west_chief, session, settling, settle
    ):
        operation, sent = refused()
        review.release(
            session, west_chief, operation, Mended(data=sent["data"] | {"category": "0301"}), settling, note=""
        )
        login = session.scalar(text("SELECT login FROM person WHERE id = :id"), {"id": west_chief.person_id})
        end_all(session, login)
        session.execute(
            text("UPDATE operation SET changes = jsonb_set(changes, '{location,lon}', '114.3151') WHERE id = :id"),
            {"id": operation},
        )
        session.commit()
        settle()
        assert status_of(session, sent) == ("quarantined", "beyond-ruling")
        assert not rows(session, "issue")

    @pytest.mark.parametrize("by", ["category", "flag"])
    def test_whoever_has_the_duty_makes_a_private_issue_public_by_release_when_they_say_so(
        self, refused, west_chief, session, settling, settle, by
    ):
        private, public = ({"category": PRIVATE}, {"category": "0301"}) if by == "category" else (
            {"private": True}, {"private": False},
        )  # fmt: skip
        put = refused.phone.issue(**private)
        refused.phone.push(put)
        operation, sent = refused(refused.phone.patch("issues", put["id"], {"rev": 1}, **public))
        with pytest.raises(BecomesPublic) as told:
            review.release(session, west_chief, operation, Mended(), settling, note="")
        assert [field for field, _ in told.value.reason.faults] == [f"data.{next(iter(public))}"]
        review.release(session, west_chief, operation, Mended(make_public=True), settling, note="")
        session.commit()
        settle()
        assert status_of(session, sent)[0] == "released"
        assert rows(session, "issue")[uuid.UUID(put["id"])].doc.items() >= public.items()

    def test_what_was_sent_as_private_is_not_mended_into_something_public_by_the_way(
        self, refused, west_chief, session, settling, settle
    ):
        operation, sent = refused(refused.phone.issue(category=PRIVATE, severity="dire"))
        mended = sent["data"] | {"severity": "urgent", "category": "0301"}
        with pytest.raises(BecomesPublic):
            review.release(session, west_chief, operation, Mended(data=mended), settling, note="")
        still = Mended(data=mended | {"category": "0701"})
        review.release(session, west_chief, operation, still, settling, note="")
        session.rollback()
        review.release(session, west_chief, operation, Mended(data=mended, make_public=True), settling, note="")
        session.commit()
        settle()
        assert rows(session, "issue")[uuid.UUID(sent["id"])].doc["category"] == "0301"

    @pytest.mark.parametrize("data", [{"category": PRIVATE}, {"category": "0301", "private": True}])
    def test_neither_is_what_could_not_be_read_at_all(self, refused, west_chief, session, settling, data):
        operation, sent = refused(refused.phone.issue(**data) | {"captured_at": "yesterday"})
        data = sent["data"] | {"category": "0301", "private": False}
        mended = Mended(
            collection="issues", record_id=uuid.UUID(sent["id"]), action="put", data=data, captured_at=days_ago(1)
        )
        with pytest.raises(BecomesPublic):
            review.release(session, west_chief, operation, mended, settling, note="")
        review.release(session, west_chief, operation, replace(mended, make_public=True), settling, note="")

    def test_an_issue_that_became_private_after_a_release_stays_so(
        self, refused, west_chief, session, settling, settle
    ):
        put = refused.phone.issue()
        refused.phone.push(put)
        operation, sent = refused(refused.phone.patch("issues", put["id"], {"rev": 1}, category="9999"))
        review.release(session, west_chief, operation, Mended(data={"category": "0302"}), settling, note="")
        session.commit()
        refused.phone.push(refused.phone.patch("issues", put["id"], {"rev": 1}, category=PRIVATE))
        settle()
        assert status_of(session, sent) == ("quarantined", "becomes-public")
        assert rows(session, "issue")[uuid.UUID(put["id"])].doc["category"] == PRIVATE
