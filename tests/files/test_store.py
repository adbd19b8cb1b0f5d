"""One contract for every store: a folder of this machine, and one that fsspec speaks to."""

import os
import uuid

import pytest

from server.attachments.store import open_store


@pytest.fixture(params=["folder", "fsspec"])
def store(request, tmp_path):
    if request.param == "folder":
        return open_store((tmp_path / "a" / "b").as_uri())
    return open_store(f"memory://{uuid.uuid4().hex}")


def test_what_was_put_can_be_got_and_sought_in(store):
    store.put("folder/one", b"0123456789")
    assert store.get("folder/one") == b"0123456789"
    with store.open("folder/one") as file:
        file.seek(4)
        assert file.read(3) == b"456"


def test_putting_again_replaces(store):
    store.put("one", b"before")
    store.put("one", b"after")
    assert store.get("one") == b"after"


def test_what_is_not_there_is_told_as_a_missing_file(store):
    for read in (store.get, store.open):
        with pytest.raises(FileNotFoundError):
            read("nothing")


def test_removing_takes_all_under_a_folder_and_nothing_else(store):
    for key in ("folder/one", "folder/two", "other/one"):
        store.put(key, b"x")
    store.remove("folder")
    store.remove("folder")
    assert store.get("other/one") == b"x"
    with pytest.raises(FileNotFoundError):
        store.get("folder/one")


def test_a_folder_of_this_machine_holds_no_half_written_object(tmp_path, monkeypatch):
    store = open_store(tmp_path.as_uri())

    def power_cut(*_):
        raise OSError("power cut")

    monkeypatch.setattr("os.fsync", power_cut)
    with pytest.raises(OSError, match="power cut"):
        store.put("one", b"x" * 1000)
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone gives away what it made")
def test_what_root_puts_belongs_to_whom_the_folder_belongs(tmp_path):
    root = tmp_path / "files"
    root.mkdir()
    os.chown(root, 65534, 65533)
    open_store(root.as_uri()).put("served/new/one", b"x")
    made = [root / "served", root / "served" / "new", root / "served" / "new" / "one"]
    assert {(each.stat().st_uid, each.stat().st_gid) for each in made} == {(65534, 65533)}
