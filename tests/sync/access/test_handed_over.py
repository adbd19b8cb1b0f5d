"""What of an issue its worker may still change once a body has the case."""

import uuid

import pytest
from sqlalchemy import text

from tests.sync.access.ruling import reason, rows, settle, settling, status_of

__all__ = ["settle", "settling"]


class TestCase:
    @pytest.fixture
    def case(self, phone_of, session):
        """A case of the west in some state, with a body unless none is wanted."""
        phone = phone_of("west")

        def make(state, *, has_body=True):
            put = phone.issue(
                description="井盖缺失", severity="normal", photos=[str(uuid.uuid4())], address_text="一号"
            )
            phone.push(put)
            body = session.scalar(text("SELECT id FROM organisation LIMIT 1")) if has_body else None
            session.execute(
                text("UPDATE issue SET state = :state, body_id = :body WHERE id = :id"),
                {"state": state, "body": body, "id": put["id"]},
            )
            session.commit()
            return phone, put

        return make

    @pytest.mark.parametrize("state", ["dispatched", "received", "in_progress", "done"])
    def test_what_a_body_has_is_not_taken_back(self, case, state, session):
        phone, put = case(state)
        (result,) = phone.push(phone.op("issues", action="delete", id=put["id"], base={"rev": 1}))
        assert reason(result) == ("quarantined", "case-dispatched")
        assert rows(session, "issue")[uuid.UUID(put["id"])].deleted_at is None

    def test_what_no_body_has_may_be_taken_back(self, case):
        phone, put = case("reported", has_body=False)
        (result,) = phone.push(phone.op("issues", action="delete", id=put["id"], base={"rev": 1}))
        assert result["status"] == "applied"

    @pytest.mark.parametrize(
        "change",
        [
            {"description": "别的"}, {"description": None}, {"severity": "low"}, {"category": "0302"}, {"photos": []},
            {"address_text": "二号"}, {"location": {"lon": 114.306, "lat": 25.685}}, {"extra": {"a": 1}},
        ],
    )  # fmt: skip
    def test_what_a_body_has_received_is_not_rewritten(self, case, change):
        phone, put = case("received")
        (result,) = phone.push(phone.patch("issues", put["id"], {"rev": 1}, **change))
        assert reason(result) == ("quarantined", "case-received")

    @pytest.mark.parametrize(
        "change", [{"description": "井盖缺失，已围挡"}, {"severity": "urgent"}, {"tags": ["夜间"]}, {"private": True}]
    )
    def test_what_a_body_has_received_may_be_added_to(self, case, change):
        phone, put = case("received")
        (result,) = phone.push(phone.patch("issues", put["id"], {"rev": 1}, **change))
        assert result["status"] == "applied"

    def test_before_a_body_has_received_it_a_mistake_may_be_corrected(self, case):
        phone, put = case("dispatched")
        (result,) = phone.push(phone.patch("issues", put["id"], {"rev": 1}, address_text="二号"))
        assert result["status"] == "applied"

    def test_what_is_closed_is_not_touched(self, case):
        phone, put = case("closed")
        (result,) = phone.push(phone.patch("issues", put["id"], {"rev": 1}, description="井盖缺失，又坏"))
        assert reason(result) == ("quarantined", "case-closed")

    @pytest.mark.long
    def test_words_that_were_added_without_having_seen_others_go_in_when_merged(self, case, phone_of, settle, session):
        one, put = case("received")
        two = phone_of("west")
        photos = put["data"]["photos"]
        one.push(
            one.patch("issues", put["id"], {"rev": 1}, description="井盖缺失，甲", photos=[*photos, str(uuid.uuid4())])
        )
        late = two.patch(
            "issues", put["id"], {"rev": 1}, description="井盖缺失，乙", photos=[*photos, str(uuid.uuid4())]
        )
        rewriting = two.patch("issues", put["id"], {"rev": 1}, description="全不对")
        assert [each["status"] for each in two.push(late, rewriting)] == ["pending", "pending"]
        settle()
        assert status_of(session, late)[0] == "merged"
        assert status_of(session, rewriting) == ("quarantined", "case-received")
        doc = rows(session, "issue")[uuid.UUID(put["id"])].doc
        assert "甲" in doc["description"]
        assert "乙" in doc["description"]
        assert len(doc["photos"]) == len(photos) + 2
