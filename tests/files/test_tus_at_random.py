"""No headers and no metadata at all bring the upload server into trouble."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.files.test_tus import PICTURE, up

__all__ = ["up"]


WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40)


NAMES = st.sampled_from(
    ["Upload-Length", "Upload-Offset", "Upload-Metadata", "Upload-Checksum", "Tus-Resumable", "Content-Type",
     "Upload-Defer-Length", "X-HTTP-Method-Override", "Content-Length", "Upload-Concat"]
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["POST", "PATCH", "HEAD", "DELETE", "OPTIONS", "PUT"]),
    headers=st.dictionaries(NAMES, WORDS | st.integers().map(str), max_size=4),
    there=st.booleans(),
    body=st.binary(max_size=20),
)
def test_no_headers_at_all_bring_the_server_into_trouble(up, method, headers, there, body):
    where = up.begin(PICTURE).headers["Location"] if there else "/v1/files"
    sent = up.headers(Upload_Offset=0, Upload_Length=20) | {"Content-Type": "application/offset+octet-stream"}
    answer = up.phone.client.open(where, method=method, data=body, headers=sent | headers)
    assert answer.status_code < 500, answer.text
    if there:
        up.phone.client.delete(where, headers=up.headers())


@given(pairs=st.dictionaries(st.sampled_from(["record", "collection", "sha256", "id", "filetype", "name"]), WORDS))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_metadata_at_all_brings_the_server_into_trouble(up, pairs):
    answer = up.begin(PICTURE, told=pairs)
    assert answer.status_code in (201, 422), answer.text
    if answer.status_code == 201:
        up.phone.client.delete(answer.headers["Location"], headers=up.headers())
