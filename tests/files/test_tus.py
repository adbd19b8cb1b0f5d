"""Uploads by tus 1.0.0, request by request: what the protocol asks of a server, and what ours refuses."""

import hashlib
import io
import uuid

import pytest
from sqlalchemy import text

from tests.files.conftest import checksum, metadata
from tests.files.pictures import bomb, picture, sized
from tests.sync.phone import Phone

PICTURE = picture()


MEBIBYTE = 1024 * 1024


@pytest.fixture
def up(phone_of, uploading):
    return uploading(phone_of("west"))


def problem(answer):
    return answer.json["type"].rpartition("/")[2]


def test_the_server_tells_what_it_speaks_to_anybody(app):
    answer = app.test_client().options("/v1/files")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation", "creation-with-upload", "checksum", "expiration", "termination",
    }  # fmt: skip
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha256,sha1"
    assert answer.headers["Tus-Max-Size"] == str(48 * MEBIBYTE)


@pytest.mark.parametrize("version", [None, "0.2.2"])
@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
def test_another_version_is_refused_with_the_one_that_is_spoken(up, version, method):
    where = "/v1/files" if method == "POST" else f"/v1/files/{uuid.uuid4()}"
    spoken = {"Tus-Resumable": version} if version else {}
    answer = up.phone.client.open(where, method=method, headers=up.phone.headers | spoken)
    assert answer.status_code == 412
    assert answer.headers["Tus-Version"] == "1.0.0"


def test_an_upload_goes_on_where_it_stands_until_it_is_whole(up):
    began = up.begin(PICTURE)
    assert began.status_code == 201
    assert began.headers["Upload-Offset"] == "0"
    assert began.headers["Upload-Expires"].endswith("GMT")
    where = began.headers["Location"]
    for at in range(0, len(PICTURE), 50_000):
        told = up.head(where)
        assert told.headers["Upload-Offset"] == str(at)
        assert told.headers["Upload-Length"] == str(len(PICTURE))
        assert told.headers["Cache-Control"] == "no-store"
        assert told.headers["Tus-Resumable"] == "1.0.0"
        answer = up.patch(where, PICTURE[at : at + 50_000], at)
        assert answer.status_code == 204, answer.text
        assert answer.headers["Upload-Offset"] == str(min(at + 50_000, len(PICTURE)))
        assert answer.headers["Tus-Resumable"] == "1.0.0"
    told = up.head(where)
    assert told.headers["Upload-Offset"] == told.headers["Upload-Length"]
    assert "Upload-Expires" not in told.headers, "what is finished stays"


def test_metadata_is_told_back_as_it_was_sent(up):
    said = metadata(record=uuid.uuid4(), collection="visits", sha256="0" * 64, name="井盖.jpg")
    headers = up.headers(Upload_Length=5, Upload_Metadata=said)
    where = up.phone.client.post("/v1/files", headers=headers).headers["Location"]
    assert up.head(where).headers["Upload-Metadata"] == said


def test_an_upload_may_bring_its_first_bytes_when_it_begins(up):
    began = up.begin(PICTURE, body=PICTURE[:1000])
    assert (began.status_code, began.headers["Upload-Offset"]) == (201, "1000")
    assert up.patch(began.headers["Location"], PICTURE[1000:], 1000).status_code == 204


def test_beginning_the_same_again_goes_on_with_it_and_takes_no_bytes_twice(up):
    file_id, record = uuid.uuid4(), uuid.uuid4()
    first = up.begin(PICTURE, id=file_id, record=record, body=PICTURE[:1000])
    again = up.begin(PICTURE, id=file_id, record=record, body=PICTURE)
    assert first.headers["Location"] == again.headers["Location"] == f"/v1/files/{file_id}"
    assert (again.status_code, again.headers["Upload-Offset"]) == (201, "1000")
    assert up.patch(f"/v1/files/{file_id}", PICTURE[1000:], 1000).status_code == 204
    finished = up.begin(PICTURE, id=file_id, record=record, body=PICTURE)
    assert (finished.status_code, finished.headers["Upload-Offset"]) == (201, str(len(PICTURE)))


def test_an_id_names_one_file(up, phone_of, uploading):
    file_id, record = uuid.uuid4(), uuid.uuid4()
    up.begin(PICTURE, id=file_id, record=record)
    other_bytes = up.begin(PICTURE + b"x", id=file_id, record=record)
    other_device = uploading(phone_of("west")).begin(PICTURE, id=file_id, record=record)
    assert [problem(other_bytes), problem(other_device)] == ["file-id-taken"] * 2
    assert other_bytes.status_code == 409


@pytest.mark.parametrize("offset", [0, 999, 1001, len(PICTURE)])
def test_bytes_that_do_not_begin_where_the_upload_stands_are_refused(up, offset):
    where = up.begin(PICTURE, body=PICTURE[:1000]).headers["Location"]
    answer = up.patch(where, b"x" * 10, offset)
    assert (answer.status_code, answer.json["offset"]) == (409, 1000)
    assert up.offset(where) == 1000


def test_only_bytes_of_the_right_type_are_taken(up):
    where = up.begin(PICTURE).headers["Location"]
    answer = up.patch(where, PICTURE, 0, **{"Content-Type": "application/octet-stream"})
    assert answer.status_code == 415
    assert up.offset(where) == 0


@pytest.mark.parametrize("offset", [None, "-1", "x", "1.0", "9" * 30])
def test_an_offset_that_is_no_offset_is_named(up, offset):
    where = up.begin(PICTURE).headers["Location"]
    headers = up.headers(**({"Upload_Offset": offset} if offset else {}))
    answer = up.phone.client.patch(
        where, data=b"x", headers=headers | {"Content-Type": "application/offset+octet-stream"}
    )
    assert (answer.status_code, answer.json["field"]) == (400, "Upload-Offset")


def test_more_bytes_than_announced_are_refused_and_none_is_taken(up):
    where = up.begin(PICTURE).headers["Location"]
    answer = up.patch(where, PICTURE + b"x", 0)
    assert (answer.status_code, problem(answer)) == (413, "upload-too-much")
    assert up.offset(where) == 0


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
def test_bytes_with_their_checksum_are_taken_and_with_another_are_not(up, algorithm):
    where = up.begin(PICTURE, body=PICTURE[:700]).headers["Location"]
    wrong = up.patch(where, PICTURE[700:900], 700, **{"Upload-Checksum": checksum(b"other", algorithm)})
    assert (wrong.status_code, wrong.json["of"]) == (460, "part")
    assert up.offset(where) == 700
    right = up.patch(where, PICTURE[700:], 700, **{"Upload-Checksum": checksum(PICTURE[700:], algorithm)})
    assert right.status_code == 204


@pytest.mark.parametrize("told", ["md5 AAAA", "sha256", "sha256 ???", ""])
def test_a_checksum_that_cannot_be_read_is_refused(up, told):
    where = up.begin(PICTURE).headers["Location"]
    answer = up.patch(where, PICTURE, 0, **{"Upload-Checksum": told})
    assert answer.status_code in (400, 460)
    assert up.offset(where) == 0


@pytest.mark.long
def test_a_checked_request_of_several_parts_is_taken_whole_or_not_at_all(up):
    content = sized(3 * MEBIBYTE)
    assert len(content) > 2 * MEBIBYTE
    where = up.begin(content).headers["Location"]
    assert up.patch(where, content, 0, **{"Upload-Checksum": checksum(content[:-1])}).status_code == 460
    assert up.offset(where) == 0
    assert up.patch(where, content, 0, **{"Upload-Checksum": checksum(content)}).status_code == 204


@pytest.mark.long
def test_a_whole_that_is_not_what_was_announced_begins_anew_and_says_so(up):
    where = up.begin(PICTURE).headers["Location"]
    answer = up.patch(where, PICTURE[:-1] + b"!", 0)
    assert (answer.status_code, answer.json["of"]) == (460, "file")
    assert up.offset(where) == 0
    told = up.phone.client.get(f"{where}/status", headers=up.phone.headers).json
    assert (told["state"], told["mismatches"]) == ("open", 1)
    assert up.patch(where, PICTURE, 0).status_code == 204


@pytest.mark.long
@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"GIF89a" + b"\x00" * 90, "type-unknown"), (bomb(), "picture-too-large"), (PICTURE[:400], "picture-damaged")],
    ids=["gif", "bomb", "half a picture"],
)
def test_a_file_that_is_not_taken_is_refused_with_the_reason_for_good(up, tender, content, reason):
    file_id, record = uuid.uuid4(), uuid.uuid4()
    where = f"/v1/files/{file_id}"
    answer = up.begin(content, id=file_id, record=record, body=content)
    assert (answer.status_code, problem(answer), answer.json["reason"]) == (422, "file-refused", reason)
    assert up.head(where).status_code == 410
    assert up.patch(where, b"x", 0).json["reason"] == reason
    assert up.begin(content, id=file_id, record=record).status_code == 410
    assert up.phone.client.get(f"{where}/status", headers=up.phone.headers).json["refusal"] == reason
    assert tender(days=8).tend().expired == 0, "it is kept for a person"
    mended = up.begin(PICTURE, id=file_id, record=record, body=PICTURE)
    assert mended.status_code == 201, "another file may take its place"


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({"collection": "people"}, "collection"),
        ({"collection": ""}, "collection"),
        ({"record": "7"}, "record"),
        ({"sha256": "abc"}, "sha256"),
        ({"id": "7"}, "id"),
    ],
)
def test_metadata_that_is_not_right_is_named(up, told, field):
    answer = up.begin(PICTURE, told=told)
    assert (answer.status_code, problem(answer), answer.json["field"]) == (422, "file-metadata-invalid", field)


@pytest.mark.parametrize("said", ["record", "record ???", "record /w==", "x" * 5000, ","])
def test_metadata_that_cannot_be_read_is_refused(up, said):
    headers = up.headers(Upload_Length=10, Upload_Metadata=said)
    assert up.phone.client.post("/v1/files", headers=headers).status_code == 422


def test_a_type_that_is_never_taken_is_refused_before_any_byte(up):
    answer = up.begin(PICTURE, told={"filetype": "video/mp4"})
    assert (answer.status_code, answer.json["field"]) == (422, "filetype")


@pytest.mark.parametrize("more", [{"Upload-Length": "0"}, {"Upload-Length": "x"}, {"Upload-Defer-Length": "1"}])
def test_the_length_must_be_known_when_an_upload_begins(up, more):
    answer = up.begin(PICTURE, **more)
    assert (answer.status_code, answer.json["field"]) == (400, next(iter(more)))


def test_a_file_has_a_largest_size(up, configured):
    configured(file_limit_bytes=len(PICTURE) - 1)
    answer = up.begin(PICTURE)
    assert (answer.status_code, answer.json["limit_bytes"]) == (413, len(PICTURE) - 1)


@pytest.mark.long
def test_a_device_has_only_so_many_unfinished_uploads(up, configured, phone_of, uploading):
    configured(open_uploads=2, open_upload_bytes=10 * len(PICTURE))
    where = [up.begin(PICTURE).headers["Location"] for _ in range(2)]
    assert problem(up.begin(PICTURE)) == "upload-quota-reached"
    assert uploading(phone_of("west")).begin(PICTURE).status_code == 201, "another device has its own"
    assert up.patch(where[0], PICTURE, 0).status_code == 204
    assert up.begin(PICTURE).status_code == 201
    configured(open_uploads=50, open_upload_bytes=3 * len(PICTURE) - 1)
    assert up.begin(PICTURE).status_code == 429


def test_an_upload_is_taken_back(up, session):
    where = up.begin(PICTURE, body=PICTURE[:1000]).headers["Location"]
    assert up.phone.client.delete(where, headers=up.headers()).status_code == 204
    assert up.head(where).status_code == 404
    assert up.phone.client.delete(where, headers=up.headers()).status_code == 404
    assert session.scalar(text("SELECT count(*) FROM leftover_folder")) == 1


@pytest.mark.long
def test_a_finished_file_cannot_be_taken_back(up):
    where = up.upload(PICTURE)
    answer = up.phone.client.delete(where, headers=up.headers())
    assert (answer.status_code, problem(answer)) == (409, "upload-finished")


def test_where_only_post_gets_through_the_method_is_named_in_a_header(up):
    where = up.begin(PICTURE).headers["Location"]
    headers = {"Content-Type": "application/offset+octet-stream"} | up.headers(Upload_Offset=0)
    answer = up.phone.client.post(where, data=PICTURE, headers=headers | {"X-HTTP-Method-Override": "PATCH"})
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(PICTURE)))
    assert up.phone.client.post(where, headers=up.headers()).status_code == 405


def test_an_upload_does_not_exist_for_another_worker(up, phone_of, uploading):
    where = up.begin(PICTURE, body=PICTURE[:1000]).headers["Location"]
    foreign = uploading(phone_of("west"))
    assert foreign.head(where).status_code == 404
    assert foreign.patch(where, PICTURE[1000:], 1000).status_code == 404
    assert foreign.phone.client.delete(where, headers=foreign.headers()).status_code == 404
    assert foreign.phone.client.get(f"{where}/status", headers=foreign.headers()).status_code == 404
    assert up.offset(where) == 1000


@pytest.mark.long
def test_a_worker_enrolled_anew_goes_on_with_what_was_half_sent(up, session, uploading):
    """The app may have lost its token, and the photo must not wait for a week until the upload expires."""
    file_id, record = uuid.uuid4(), uuid.uuid4()
    where = up.begin(PICTURE, id=file_id, record=record, body=PICTURE[:1000]).headers["Location"]
    again = uploading(Phone.enrolled(up.phone.client, session, up.phone.login))
    begun = again.begin(PICTURE, id=file_id, record=record)
    assert (begun.status_code, begun.headers["Location"], begun.headers["Upload-Offset"]) == (201, where, "1000")
    answer = again.patch(where, PICTURE[1000:], 1000)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(PICTURE)))
    other = uploading(Phone.enrolled(up.phone.client, session, up.phone.login))
    assert other.head(where).headers["Upload-Offset"] == str(len(PICTURE))


def test_strangers_begin_nothing(app):
    assert app.test_client().post("/v1/files", headers={"Tus-Resumable": "1.0.0"}).status_code == 401


def test_a_revoked_device_finishes_what_it_began_and_begins_nothing(up, session):
    where = up.begin(PICTURE, body=PICTURE[:1000]).headers["Location"]
    revoke = text("UPDATE device SET revoked_at = now() - CAST(:ago AS interval) WHERE uid = :uid")
    session.execute(revoke, {"uid": up.phone.device_id, "ago": "1 day"})
    session.commit()
    assert problem(up.begin(PICTURE)) == "device-revoked"
    assert up.patch(where, PICTURE[1000:2000], 1000).status_code == 204
    session.execute(revoke, {"uid": up.phone.device_id, "ago": "15 days"})
    session.commit()
    assert up.patch(where, PICTURE[2000:], 2000).status_code == 401


class Slow(io.RawIOBase):
    """A body of ``length`` bytes that comes block by block."""

    def __init__(self, blocks, length):
        self.blocks, self.length, self.at = blocks, length, 0

    def readable(self):
        return True

    def readinto(self, buffer):
        block = next(self.blocks, b"")
        buffer[: len(block)] = block
        return len(block)

    def seek(self, offset, whence=0):
        self.at = self.length if whence else offset
        return self.at

    def tell(self):
        return self.at


@pytest.mark.long
@pytest.mark.parametrize("taken", [0, 500])
def test_the_later_of_two_requests_wins_and_the_earlier_appends_no_more(up, taken):
    where = up.begin(PICTURE).headers["Location"]

    def interrupted():
        yield PICTURE[:1000]
        assert up.patch(where, PICTURE[:taken], 0).status_code == 204
        yield PICTURE[1000:2000]

    headers = {"Content-Type": "application/offset+octet-stream"} | up.headers(Upload_Offset=0)
    answer = up.phone.client.patch(where, input_stream=Slow(interrupted(), 2000), headers=headers)
    assert (answer.status_code, problem(answer)) == (423, "upload-taken")
    assert up.offset(where) == taken
    assert up.patch(where, PICTURE[taken:], taken).status_code == 204


def broken():
    yield PICTURE[:1000]
    raise TimeoutError


def test_what_came_before_a_request_broke_off_is_kept_unless_its_checksum_cannot_be_held_against_it(up):
    where = up.begin(PICTURE).headers["Location"]
    headers = {"Content-Type": "application/offset+octet-stream"} | up.headers(Upload_Offset=0)
    checked = headers | {"Upload-Checksum": checksum(PICTURE[:2000])}
    answer = up.phone.client.patch(where, input_stream=Slow(broken(), 2000), headers=checked)
    assert (answer.status_code, up.offset(where)) == (400, 0)
    answer = up.phone.client.patch(where, input_stream=Slow(broken(), 2000), headers=headers)
    assert (answer.status_code, problem(answer)) == (400, "upload-interrupted")
    assert up.offset(where) == 1000


@pytest.mark.long
def test_an_upload_in_drops_is_stored_in_few_parts(up, session):
    where = up.begin(PICTURE).headers["Location"]
    for at in range(0, 5000, 100):
        assert up.patch(where, PICTURE[at : at + 100], at).status_code == 204
    assert session.scalar(text("SELECT count(*) FROM upload_part")) == 1
    assert up.patch(where, PICTURE[5000:], 5000).status_code == 204


@pytest.mark.long
def test_the_bytes_of_a_finished_file_are_those_that_were_sent(up, store):
    content = sized(3 * MEBIBYTE)
    where = up.begin(content).headers["Location"]
    for begins, ends in ((0, 10), (10, MEBIBYTE - 5), (MEBIBYTE - 5, 2 * MEBIBYTE + 1), (2 * MEBIBYTE + 1, None)):
        assert up.patch(where, content[begins:ends], begins).status_code == 204
    kept = store.get(f"originals/{where.rpartition('/')[2]}")
    assert hashlib.sha256(kept).digest() == hashlib.sha256(content).digest()
