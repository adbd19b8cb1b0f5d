"""tuspy, a client that others wrote, over wires that break at any byte: what arrives is what was sent, once."""

import hashlib
import io
import re
import uuid

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from tests.files.pictures import picture

PICTURE = picture("PNG", size=(400, 300), compress_level=0)
SMALL = picture()
WHOLE_ADDRESS = re.compile(r"/v1/files/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
# Where a wire breaks: on the way up within the bytes of the picture and headers, or before the answer is whole.
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
CUTS = st.lists(
    st.tuples(st.just("up"), st.integers(0, len(PICTURE) + 2000)) | st.tuples(st.just("down"), st.integers(0, 400)),
    max_size=8,
)


@pytest.fixture
def uploader(phone_of):
    phone = phone_of("west")

    def make(url, content, **more):
        told = {
            "record": str(uuid.uuid4()), "collection": "visits", "filetype": "image/png", "id": str(uuid.uuid4()),
            "sha256": hashlib.sha256(content).hexdigest(),
        }  # fmt: skip
        client = TusClient(f"{url}/v1/files", headers=phone.headers)
        options = {"retries": 30, "retry_delay": 0, "metadata": told} | more
        return client.uploader(file_stream=io.BytesIO(content), **options)

    return make


def upload(uploader):
    """As an app does: ask again, and begin again where even the beginning was cut off.

    tuspy trips over an answer that broke off within its headers (``TypeError``, ``ValueError``), and over half an
    address.
    """
    for _ in range(30):
        try:
            uploader.upload()
        except (TusCommunicationError, TusUploadFailed, TypeError, ValueError) as error:
            if getattr(error, "status_code", None) == 404 or not WHOLE_ADDRESS.search(uploader.url or ""):
                uploader.set_url(None)
        else:
            return uploader.url.rpartition("/")[2]
    raise AssertionError("it never came to an end")


def arrived(session, store, file_id, content):
    session.rollback()
    one = "SELECT count(*) FROM attachment WHERE id = :id"
    return store.get(f"originals/{file_id}") == content and session.scalar(text(one), {"id": file_id}) == 1


@pytest.mark.parametrize("chunk_size", [4096, 100_000, 10**9])
@pytest.mark.parametrize("upload_checksum", [False, True], ids=["plain", "with checksums"])
def test_tuspy_uploads(server, uploader, session, store, chunk_size, upload_checksum):
    given = uploader(server.url, SMALL, chunk_size=chunk_size, upload_checksum=upload_checksum)
    assert arrived(session, store, upload(given), SMALL)


@pytest.mark.parametrize("upload_checksum", [False, True], ids=["plain", "with checksums"])
@settings(max_examples=15, deadline=None, phases=UNSHRUNK, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=CUTS, chunk_size=st.sampled_from([64_000, 10**9]))
def test_what_arrives_is_what_was_sent_wherever_the_wire_breaks(
    wire, uploader, session, store, cuts, chunk_size, upload_checksum
):
    laid = wire(cuts)
    sent = uploader(laid.url, PICTURE, chunk_size=chunk_size, upload_checksum=upload_checksum)
    assert arrived(session, store, upload(sent), PICTURE)


def test_bytes_that_came_before_the_wire_broke_are_not_sent_again(wire, uploader, server):
    laid = wire([("up", 10**9), ("up", 200_000)])
    sent = uploader(laid.url, PICTURE, retries=0, chunk_size=10**9)
    with pytest.raises(TusUploadFailed):
        sent.upload()
    # The server may still be reading what the wire carried.
    sent.set_url(sent.url.replace(laid.url, server.url))
    for _ in range(1000):
        if sent.get_offset() > 0:
            break
    assert 150_000 < sent.get_offset() < 200_000


def test_tuspy_is_told_of_a_wrong_sum(server, uploader):
    sent = uploader(server.url, SMALL, retries=0)
    sent.metadata["sha256"] = "0" * 64
    with pytest.raises(TusUploadFailed) as told:
        sent.upload()
    assert told.value.status_code == 460
