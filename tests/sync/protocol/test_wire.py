"""The wire against anything at all: no input makes it fail in a way that is not its own error."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import fields

from sync.collections import COLLECTIONS
from sync.errors import SyncError
from sync.protocol import wire

anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)
heads = st.fixed_dictionaries(
    {},
    optional={
        "op_id": st.one_of(st.uuids().map(str), anything),
        "seq": st.one_of(st.integers(), anything),
        "collection": st.one_of(st.sampled_from(["visits", "issues"]), anything),
        "id": st.one_of(st.uuids().map(str), anything),
        "action": st.one_of(st.sampled_from(["put", "patch"]), anything),
        "base": anything,
        "captured_at": st.one_of(st.just("2026-11-21T10:00:00Z"), anything),
        "data": anything,
    },
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.one_of(heads, anything), max_size=4))
def test_every_operation_is_read_or_kept_with_a_reason(ops):
    sent = {"batch_id": "0197b0a0-0000-7000-8000-000000000000", "sent_at": "2026-11-21T10:00:00Z", "ops": ops}
    batch = wire.decode(json.dumps(sent).encode())
    assert len(batch.ops) == len(ops)
    for op in batch.ops:
        assert len(op.body_hash) == 16
        if isinstance(op, wire.Unreadable):
            assert op.reason.as_json("zh")["title"]
            assert op.raw


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([None, "gzip", "zstd", "br"]))
def test_any_bytes_end_in_an_error_of_the_wire(body, encoding):
    try:
        wire.decode(wire.unpack(body, encoding))
    except SyncError as error:
        assert error.code  # noqa: PT017  # either no error, or one of ours


def test_the_order_of_keys_and_spaces_is_no_other_body():
    op = {"op_id": "0197b0a0-0000-7000-8000-000000000001", "seq": 1, "x": {"b": 1, "a": 2}}
    sent = '{"batch_id":"0197b0a0-0000-7000-8000-000000000000","sent_at":"2026-11-21T10:00:00Z","ops":[%s,%s]}'
    other = json.dumps(dict(reversed(op.items())) | {"x": {"a": 2, "b": 1}}, indent=3)
    one, two = wire.decode((sent % (json.dumps(op), other)).encode()).ops
    assert one.body_hash == two.body_hash


def test_no_collection_takes_as_much_as_is_not_looked_into():
    for collection in COLLECTIONS.values():
        declared = collection.schema().fields
        assert len(declared) <= wire.MAX_FIELDS
        lists = [field for field in declared.values() if isinstance(field, fields.List)]
        assert all(field.validators[0].max <= wire.MAX_VALUES for field in lists)
