"""A backup holds the database and every attachment that it names; a restore brings both back."""

import io
import tarfile

import pytest
from sqlalchemy import text

from server.launch import archive, backup
from server.launch.errors import LaunchError

CONTENT = b"what an inspector photographed"


def count(session, table):
    found = session.scalar(text(f"SELECT count(*) FROM {table}"))
    session.rollback()
    return found


@pytest.mark.long
def test_attachments_come_back_with_the_database_and_newer_ones_stay(
    phone_of, session, store, sync_url, files_url, tmp_path
):
    phone = phone_of("west")
    phone.push(phone.visit())
    store.put("kept/one", CONTENT)
    store.put("kept/deep/er", CONTENT * 2)
    session.rollback()
    written = archive.write(sync_url, files_url, tmp_path / "city.tar")
    assert written.files >= 2
    assert written.size_bytes == (tmp_path / "city.tar").stat().st_size
    assert (tmp_path / "city.tar").stat().st_mode & 0o777 == 0o600
    store.remove("kept")
    store.put("newer/one", b"after the backup")
    phone.push(phone.visit())
    session.rollback()
    assert archive.read(sync_url, files_url, tmp_path / "city.tar") == 2
    assert (store.get("kept/one"), store.get("kept/deep/er")) == (CONTENT, CONTENT * 2)
    assert store.get("newer/one") == b"after the backup"
    assert count(session, "visit") == 1
    assert archive.read(sync_url, files_url, tmp_path / "city.tar") == 0
    assert [each.name for each in tmp_path.iterdir()] == ["city.tar"], "nothing half done is left"


@pytest.mark.long
def test_a_mere_dump_of_before_is_still_restored(phone_of, session, sync_url, files_url, tmp_path):
    phone = phone_of("west")
    phone.push(phone.visit())
    session.rollback()
    backup.dump(sync_url, tmp_path / "old.dump")
    phone.push(phone.visit())
    session.rollback()
    assert archive.read(sync_url, files_url, tmp_path / "old.dump") == 0
    assert count(session, "visit") == 1


@pytest.mark.parametrize("name", ["../outside", "files/../../outside", "/etc/outside"])
def test_a_file_that_would_lie_elsewhere_is_refused_and_nothing_changes(
    phone_of, session, sync_url, files_url, tmp_path, name
):
    phone = phone_of("west")
    phone.push(phone.visit())
    session.rollback()
    archive.write(sync_url, files_url, tmp_path / "city.tar")
    with tarfile.open(tmp_path / "city.tar", "a") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(CONTENT)
        tar.addfile(member, io.BytesIO(CONTENT))
    phone.push(phone.visit())
    with pytest.raises(LaunchError):
        archive.read(sync_url, files_url, tmp_path / "city.tar")
    assert count(session, "visit") == 2


def test_a_tar_that_is_no_backup_is_refused_in_words(sync_url, files_url, tmp_path):
    with tarfile.open(tmp_path / "other.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("readme"))
    with pytest.raises(LaunchError, match="not a backup"):
        archive.read(sync_url, files_url, tmp_path / "other.tar")


def test_attachments_in_another_store_are_not_taken_along(sync_url, tmp_path):
    assert archive.write(sync_url, "s3://bucket/folder", tmp_path / "city.tar").files is None
