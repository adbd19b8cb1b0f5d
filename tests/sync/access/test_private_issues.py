"""A private issue stays private: no phone makes it public, and who sees it masked changes nothing in it."""

import uuid

import pytest

from tests.cases import city
from tests.sync.access.ruling import PRIVATE, days_ago, put_task, reason, rows, settle, settling, status_of

__all__ = ["settle", "settling"]


class TestPrivacy:
    @pytest.mark.parametrize("change", [{"private": False}, {"private": None}, {"category": "0301"}])
    def test_no_phone_makes_a_private_issue_public(self, phone_of, settle, session, change):
        author = phone_of("west")
        by_category = "category" in change
        put = author.issue(category=PRIVATE if by_category else "0301", private=not by_category)
        author.push(put)
        (result,) = author.push(author.patch("issues", put["id"], {"rev": 1}, **change))
        assert result["status"] == "quarantined"
        settle()
        doc = rows(session, "issue")[uuid.UUID(put["id"])].doc
        assert (doc["category"], doc["private"]) == (put["data"]["category"], put["data"]["private"])

    def test_a_put_that_leaves_the_flag_out_does_not_take_it_away(self, phone_of):
        author = phone_of("west")
        put = author.issue(private=True)
        author.push(put)
        (result,) = author.push(author.issue(id=put["id"], base={"rev": 1}))
        assert reason(result) == ("quarantined", "stays-private")

    def test_a_flag_stays_though_the_category_is_private_too(self, phone_of):
        author = phone_of("west")
        put = author.issue(category=PRIVATE, private=True)
        author.push(put)
        (result,) = author.push(author.patch("issues", put["id"], {"rev": 1}, private=False))
        assert reason(result) == ("quarantined", "stays-private")
        assert [each["field"] for each in result["error"]["errors"]] == ["data.private"]

    def test_a_private_issue_stays_so_under_another_private_category_or_with_its_flag(self, phone_of):
        author = phone_of("west")
        one, two = author.issue(category=PRIVATE), author.issue(category=PRIVATE, private=True)
        author.push(one, two)
        results = author.push(
            author.patch("issues", one["id"], {"rev": 1}, category="0701"),
            author.patch("issues", two["id"], {"rev": 1}, category="0301"),
        )
        assert [each["status"] for each in results] == ["applied", "applied"]

    @pytest.mark.long
    def test_a_public_category_that_was_sent_late_does_not_win_over_a_private_one(self, phone_of, settle, session):
        one, two = phone_of("west"), phone_of("west")
        put = one.issue()
        one.push(put)
        late = two.op("issues", {"category": "0302"}, action="patch", id=put["id"], base={"rev": 1},
                      captured_at=days_ago(1))  # fmt: skip
        one.push(one.patch("issues", put["id"], {"rev": 1}, category=PRIVATE))
        two.push(late)
        settle()
        assert rows(session, "issue")[uuid.UUID(put["id"])].doc["category"] == PRIVATE
        assert status_of(session, late)[0] == "quarantined"

    @pytest.mark.long
    def test_neighbours_of_the_same_grid_do_not_change_what_is_masked_for_them(self, phone_of, session):
        author, neighbour = phone_of("west"), phone_of("west")
        put = author.issue(category=PRIVATE, description="邻里")
        author.push(put)
        changed, taken, gone = neighbour.push(
            neighbour.patch("issues", put["id"], {"rev": 1}, severity="low"),
            neighbour.issue(id=put["id"], category=PRIVATE),
            neighbour.op("issues", action="delete", id=put["id"], base={"rev": 1}),
        )
        assert {reason(each) for each in (changed, taken, gone)} == {("quarantined", "record-private")}
        put_task(session, neighbour.login, issue_id=put["id"], grid=city.WEST)
        (done,) = neighbour.push(neighbour.patch("issues", put["id"], {"rev": 1}, description="邻里，已到场"))
        assert done["status"] == "applied"
