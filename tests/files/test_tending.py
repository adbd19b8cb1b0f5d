"""What is done about files when nobody asks: finished where the request died, expired, and taken out of the store."""

import hashlib
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from server.attachments import finishing, previews, uploads
from server.attachments.errors import ReadingLate
from server.attachments.tending import waits
from server.config import Config
from tests.files.pictures import picture

pytestmark = pytest.mark.long

PICTURE = picture()


@pytest.fixture
def up(phone_of, uploading):
    return uploading(phone_of("west"))


@pytest.fixture
def died(monkeypatch):
    """The request that brings the last byte dies before it has finished the file."""

    def die(*_, **__):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("server.files.tus.finish", die)
        yield


@pytest.fixture
def parts(files_url, store):
    """The parts that lie in the store; those of other tests are taken away first."""
    store.remove("uploads")
    return lambda: list(Path(urlsplit(files_url).path).glob("uploads/*/*"))


def waiting(tender, session):
    session.rollback()
    return waits(session, tender.clock(), keep_for=Config.upload_ttl)


@pytest.fixture
def whole_but_unfinished(up, died):
    def make(content=PICTURE, **more):
        where = up.begin(content, **more).headers["Location"]
        with pytest.raises(SystemExit):
            up.patch(where, content, 0)
        return where

    return make


def test_where_nothing_waits_nothing_is_done(tender, session):
    assert not waiting(tender(), session)
    assert set(vars_of(tender().tend())) == {0}


def vars_of(tended):
    return [tended.finished, tended.bound, tended.previews, tended.expired, tended.tidied]


def test_a_file_whose_request_died_is_finished_by_the_job(whole_but_unfinished, up, tender, session):
    where = whole_but_unfinished()
    assert up.offset(where) == len(PICTURE)
    assert tender().tend().finished == 0, "the request may still be at it"
    assert waiting(tender(minutes=3), session)
    assert tender(minutes=3).tend().finished == 1
    up.phone.pull()
    assert list(up.phone.records("attachments")) == [where.rpartition("/")[2]]
    assert tender(minutes=6).tend().finished == 0


def test_a_file_that_has_come_whole_never_expires(whole_but_unfinished, up, tender, session):
    whole_but_unfinished()
    acting = tender(days=30)
    assert uploads.expire(session, acting.limits, acting.clock(), limit=10) == 0


def test_a_phone_that_asks_again_finishes_its_file_itself(whole_but_unfinished, up):
    where = whole_but_unfinished()
    with pytest.MonkeyPatch.context() as mended:
        mended.setattr("server.files.tus.finish", finishing.finish)
        answer = up.patch(where, b"", len(PICTURE))
    assert answer.status_code == 204
    up.phone.pull()
    assert list(up.phone.records("attachments")) == [where.rpartition("/")[2]]


def test_a_wrong_sum_found_by_the_job_sends_the_upload_back_to_its_beginning(whole_but_unfinished, up, tender):
    where = whole_but_unfinished(told={"sha256": "0" * 64})
    assert tender(minutes=3).tend().finished == 1
    assert up.offset(where) == 0
    assert up.phone.client.get(f"{where}/status", headers=up.phone.headers).json["mismatches"] == 1


def test_a_file_that_came_while_the_machine_was_busy_is_kept_and_finished_later(up, tender, monkeypatch):
    with monkeypatch.context() as busy:
        busy.setattr("server.attachments.finishing.check", raising(ReadingLate))
        answer = up.begin(PICTURE, body=PICTURE)
        assert (answer.status_code, answer.json["type"]) == (503, "/problems/file-reading-late")
        assert tender(minutes=3).tend().finished == 1
        up.phone.pull()
        assert up.phone.records("attachments") == {}
    assert tender(minutes=9).tend().finished == 1
    up.phone.pull()
    assert len(up.phone.records("attachments")) == 1


def raising(error):
    def raise_it(_content):
        raise error

    return raise_it


def test_bytes_that_the_store_has_lost_are_asked_for_again(whole_but_unfinished, up, tender, parts):
    where = whole_but_unfinished()
    for part in parts():
        part.unlink()
    tender(minutes=3).tend()
    assert up.offset(where) == 0
    with pytest.MonkeyPatch.context() as mended:
        mended.setattr("server.files.tus.finish", finishing.finish)
        assert up.patch(where, PICTURE, 0).status_code == 204


def test_finishing_twice_makes_one_attachment(up, tender, session):
    where = up.upload(PICTURE)
    acting = tender()
    finishing.finish(acting.transaction, acting.store, uuid.UUID(where.rpartition("/")[2]), acting.ground_of, None)
    assert session.scalar(text("SELECT count(*) FROM attachment")) == 1


def test_an_unfinished_upload_expires_and_its_bytes_go(up, tender, session, parts):
    where = up.begin(PICTURE, body=PICTURE[:1000]).headers["Location"]
    assert not waiting(tender(days=6), session)
    assert tender(days=6).tend().expired == 0
    assert up.offset(where) == 1000
    assert waiting(tender(days=8), session)
    assert tender(days=8).tend().expired == 1
    assert up.head(where).status_code == 404
    assert len(parts()) == 1, "a request may still be writing"
    assert tender(days=9).tend().tidied == 1
    assert parts() == []
    assert not waiting(tender(days=9), session)


def test_an_expired_upload_is_gone_even_before_the_job_has_come(up, session):
    where = up.begin(PICTURE, body=PICTURE[:1000]).headers["Location"]
    session.execute(text("UPDATE upload SET touched_at = now() - interval '8 days'"))
    session.commit()
    assert up.head(where).status_code == 410
    answer = up.patch(where, PICTURE[1000:], 1000)
    assert (answer.status_code, answer.json["reason"]) == (410, "expired")


def test_beginning_an_expired_upload_again_goes_on_with_what_is_left_of_it(up, session):
    file_id, record = uuid.uuid4(), uuid.uuid4()
    up.begin(PICTURE, id=file_id, record=record, body=PICTURE[:1000])
    session.execute(text("UPDATE upload SET touched_at = now() - interval '8 days'"))
    session.commit()
    assert up.begin(PICTURE, id=file_id, record=record).headers["Upload-Offset"] == "1000"
    assert up.patch(f"/v1/files/{file_id}", PICTURE[1000:], 1000).status_code == 204


def test_the_parts_of_a_finished_file_go_and_the_file_stays(up, tender, store, parts):
    where = up.upload(PICTURE)
    assert parts()
    assert tender(hours=2).tend().tidied == 1
    assert parts() == []
    assert store.get(f"originals/{where.rpartition('/')[2]}") == PICTURE


def test_a_picture_that_kills_its_worker_is_tried_three_times_and_left_without_a_preview(up, tender, monkeypatch):
    up.upload(PICTURE)

    def killed(_content):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(previews, "preview", killed)
        for hours in (1, 2, 3):
            with pytest.raises(SystemExit):
                tender(hours=hours).tend()
            assert tender(hours=hours, minutes=5).tend().previews == 0, "somebody has claimed it"
        assert tender(hours=4).tend().previews == 1
    up.phone.pull()
    (told,) = up.phone.records("attachments").values()
    assert told["data"]["preview"] == "none"


def test_a_picture_that_pillow_cannot_draw_is_left_without_a_preview(up, tender, store):
    where = up.upload(PICTURE)
    store.put(f"served/{where.rpartition('/')[2]}", b"\xff\xd8\xff nothing")
    assert tender().tend().previews == 1
    up.phone.pull()
    (told,) = up.phone.records("attachments").values()
    assert told["data"]["preview"] == "none"


def test_a_photo_is_known_by_file_and_look_once_its_preview_is_made(up, tender, session):
    session.rollback()
    photo = up.upload(PICTURE).rpartition("/")[2]
    assert tender().tend().previews == 1
    [kept] = session.execute(
        text("SELECT sha256, phash, bands FROM photo_hash WHERE attachment_id = :id"), {"id": photo}
    )
    assert kept.sha256 == hashlib.sha256(PICTURE).digest()
    assert [band >> 16 for band in kept.bands] == [0, 1, 2, 3]
    assert sum((band & 65535) << 16 * place for place, band in enumerate(kept.bands)) == kept.phash & (1 << 64) - 1
