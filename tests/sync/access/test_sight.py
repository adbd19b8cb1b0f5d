"""What a phone sees: by field roles, of zones only what lies in them, of private issues what is not masked."""

import json
import uuid

import pytest
from sqlalchemy import text

from tests.cases.city import WEST
from tests.sync.access.ruling import assign, put_task
from tests.sync.access.seeing import SECRET, digest_agrees, put_attachment
from tests.sync.redrawing import redrawn

__all__ = ["assign", "redrawn"]


PRIVATE = "0601"


class TestMasking:
    @pytest.fixture
    def private(self, phone_of):
        author = phone_of("west")
        put = author.issue(
            (114.3099, 25.685), category=PRIVATE, description=SECRET, address_text=SECRET, extra={"who": SECRET},
            tags=[SECRET], photos=[str(uuid.uuid4())],
        )  # fmt: skip
        put["data"]["location"]["accuracy_m"] = 30.0
        author.push(put)
        return author, put["id"]

    @pytest.mark.long
    def test_neighbours_get_what_is_shown_of_a_masked_issue_and_nothing_else(self, private, phone_of):
        author, issue = private
        neighbour = phone_of("west")
        neighbour.pull()
        author.pull()
        masked = neighbour.records("issues")[issue]
        assert masked["data"] == {"category": PRIVATE, "state": "reported", "masked": True}
        assert masked["grid"]["code"] == WEST
        assert (masked["grid"]["ambiguous"], masked["grid"]["candidates"]) == (False, [])
        assert SECRET not in json.dumps(masked, ensure_ascii=False)
        assert author.records("issues")[issue]["data"]["description"] == SECRET
        assert digest_agrees(neighbour)
        assert digest_agrees(author)

    def test_refetching_a_grid_masks_too(self, private, phone_of):
        neighbour = phone_of("west")
        answer = neighbour.client.get("/v1/sync/records", query_string={"grid": WEST}, headers=neighbour.headers)
        assert private[1] in answer.text
        assert SECRET not in answer.text

    @pytest.mark.long
    def test_whoever_gets_a_task_on_it_sees_it_whole_until_it_is_done(self, private, phone_of, session):
        _, issue = private
        neighbour = phone_of("west")
        neighbour.pull()
        task = put_task(session, neighbour.login, issue_id=issue, grid=WEST)
        neighbour.pull()
        assert neighbour.records("issues")[issue]["data"]["description"] == SECRET
        neighbour.push(neighbour.patch("tasks", str(task), {"rev": 1}, state="done"))
        neighbour.pull()
        assert neighbour.records("issues")[issue]["data"].get("masked") is True
        assert digest_agrees(neighbour)

    @pytest.mark.long
    def test_a_task_that_is_given_to_another_takes_the_words_along(self, private, phone_of, session):
        _, issue = private
        one, two = phone_of("west"), phone_of("west")
        put_task(session, one.login, issue_id=issue, grid=WEST)
        for phone in (one, two):
            phone.pull()
        session.execute(
            text("UPDATE task SET rev = rev + 1, person_id = (SELECT id FROM person WHERE login = :login)"),
            {"login": two.login},
        )
        session.commit()
        for phone in (one, two):
            phone.pull()
        assert one.records("issues")[issue]["data"].get("masked") is True
        assert two.records("issues")[issue]["data"]["description"] == SECRET

    @pytest.mark.long
    @pytest.mark.parametrize("change", [{"private": True}, {"category": PRIVATE}])
    def test_what_becomes_private_is_masked_on_the_phones_that_hold_it(self, phone_of, change):
        author, neighbour = phone_of("west"), phone_of("west")
        put = author.issue(description=SECRET)
        author.push(put)
        neighbour.pull()
        assert neighbour.records("issues")[put["id"]]["data"]["description"] == SECRET
        author.push(author.patch("issues", put["id"], {"rev": 1}, **change))
        neighbour.pull()
        assert SECRET not in json.dumps(list(neighbour.held.values()), ensure_ascii=False)

    def test_a_category_that_becomes_private_masks_what_phones_hold(self, phone_of, session):
        author, neighbour = phone_of("west"), phone_of("west")
        put = author.issue(category="0202", description=SECRET)
        author.push(put)
        neighbour.pull()
        try:
            session.execute(text("UPDATE category SET is_private = true WHERE code = '0202'"))
            session.commit()
            neighbour.pull()
            assert neighbour.records("issues")[put["id"]]["data"].get("masked") is True
        finally:
            session.execute(text("UPDATE category SET is_private = false WHERE code = '0202'"))
            session.commit()
        neighbour.pull()
        assert neighbour.records("issues")[put["id"]]["data"]["description"] == SECRET

    @pytest.mark.long
    def test_files_of_a_masked_issue_are_neither_pulled_nor_counted(self, private, phone_of, session):
        author, issue = private
        neighbour = phone_of("west")
        file_id = put_attachment(session, issue)
        for phone in (author, neighbour):
            phone.pull()
        assert file_id in author.records("attachments")
        assert not neighbour.records("attachments")
        assert digest_agrees(neighbour)
        put_task(session, neighbour.login, issue_id=issue, grid=WEST)
        neighbour.pull()
        assert file_id in neighbour.records("attachments")
        session.execute(text("UPDATE task SET rev = rev + 1, deleted_at = now()"))
        session.commit()
        neighbour.pull()
        assert not neighbour.records("attachments")
        assert digest_agrees(neighbour)

    @pytest.mark.long
    @pytest.mark.parametrize("change", [{"private": True}, {"category": PRIVATE}])
    def test_the_files_of_what_becomes_private_leave_other_phones_and_come_back(self, phone_of, session, change):
        author, neighbour = phone_of("west"), phone_of("west")
        put = author.issue(description=SECRET)
        author.push(put)
        file_id = put_attachment(session, put["id"])
        for phone in (author, neighbour):
            phone.pull()
            assert file_id in phone.records("attachments")
        author.push(author.patch("issues", put["id"], {"rev": 1}, **change))
        for phone in (author, neighbour):
            phone.pull()
            assert digest_agrees(phone)
        assert file_id in author.records("attachments")
        assert not neighbour.records("attachments")
        session.execute(
            text("UPDATE issue SET rev = rev + 1, doc = doc || CAST(:doc AS jsonb)"),
            {"doc": json.dumps({"private": False, "category": put["data"]["category"]})},
        )
        session.commit()
        neighbour.pull()
        assert file_id in neighbour.records("attachments")

    def test_a_task_shows_an_issue_that_is_private_by_its_flag_alone(self, phone_of, session):
        author, neighbour = phone_of("west"), phone_of("west")
        put = author.issue(description=SECRET, private=True)
        author.push(put)
        neighbour.pull()
        put_task(session, neighbour.login, issue_id=put["id"], grid=WEST)
        neighbour.pull()
        assert neighbour.records("issues")[put["id"]]["data"]["description"] == SECRET

    def test_a_task_that_turns_to_another_issue_shows_that_and_masks_the_first(self, private, phone_of, session):
        author, first = private
        other = author.issue(category=PRIVATE, description=SECRET)
        author.push(other)
        neighbour = phone_of("west")
        put_task(session, neighbour.login, issue_id=first, grid=WEST)
        neighbour.pull()
        session.execute(text("UPDATE task SET rev = rev + 1, issue_id = :issue"), {"issue": other["id"]})
        session.commit()
        neighbour.pull()
        held = neighbour.records("issues")
        assert held[first]["data"].get("masked") is True
        assert held[other["id"]]["data"]["description"] == SECRET

    @pytest.mark.long
    def test_a_category_that_becomes_private_takes_the_files_too_wherever_they_are_followed(self, phone_of, session):
        author, neighbour, follower = phone_of("west"), phone_of("west"), phone_of("east")
        put = author.issue(category="0202", description=SECRET)
        author.push(put)
        put_attachment(session, put["id"], follower.login)
        for phone in (neighbour, follower):
            phone.pull()
            assert phone.records("attachments")
        try:
            session.execute(text("UPDATE category SET is_private = true WHERE code = '0202'"))
            session.commit()
            for phone in (neighbour, follower):
                phone.pull()
                assert not phone.records("attachments")
        finally:
            session.execute(text("UPDATE category SET is_private = false WHERE code = '0202'"))
            session.commit()

    def test_a_file_that_follows_somebody_is_not_sent_where_its_issue_is_masked_for_them(
        self, private, phone_of, session
    ):
        _, issue = private
        early, late = phone_of("east"), phone_of("east")
        early.pull()
        for phone in (early, late):
            put_attachment(session, issue, phone.login)
            phone.pull()
            assert not phone.records("attachments")
            assert digest_agrees(phone)
        put_task(session, early.login, issue_id=issue, grid=WEST)
        early.pull()
        assert early.records("attachments")
