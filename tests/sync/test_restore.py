"""A restore from backup: phones pull anew, keep what they have not pushed, and may send again what went."""

import psycopg
import pytest
from sqlalchemy import text

from server.launch.backup import dump, restore
from server.launch.errors import LaunchError
from tests.cases.city import WEST


def test_after_a_restore_phones_pull_anew_and_what_they_send_again_is_in_effect_once(
    phone_of, session, sync_url, tmp_path
):
    phone = phone_of("west")
    kept, lost = phone.visit(), phone.visit()
    phone.push(kept)
    phone.pull()
    session.rollback()
    assert dump(sync_url, tmp_path / "city.dump") > 1000
    phone.push(lost)
    phone.pull()
    assert len(phone.records("visits")) == 2
    restore(sync_url, tmp_path / "city.dump")
    answer = phone.client.get("/v1/sync/pull", query_string={"cursor": phone.cursor}, headers=phone.headers)
    assert answer.status_code == 410
    assert answer.json["type"].endswith("/resync")
    phone.cursor, phone.held = None, {}
    phone.pull()
    assert set(phone.records("visits")) == {kept["id"]}
    one, two = phone.push(kept, lost)
    assert (one["replayed"], two["status"]) == (True, "applied")
    phone.pull()
    assert set(phone.records("visits")) == {kept["id"], lost["id"]}
    assert [change["data"]["code"] for change in phone.records("grids").values()] == [WEST]
    assert session.scalar(text("SELECT count(*) FROM visit")) == 2


def test_a_file_that_is_no_backup_changes_nothing(phone_of, session, sync_url, tmp_path):
    phone = phone_of("west")
    phone.push(phone.visit())
    (tmp_path / "junk.dump").write_bytes(b"junk")
    with pytest.raises(LaunchError):
        restore(sync_url, tmp_path / "junk.dump")
    with psycopg.connect(sync_url) as connection:
        assert connection.execute("SELECT count(*) FROM visit").fetchone() == (1,)
    phone.pull()
    assert len(phone.records("visits")) == 1
