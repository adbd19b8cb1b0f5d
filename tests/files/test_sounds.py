"""What others hear of a voice memo: its sound, and nothing of who recorded it, when and with what."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.attachments.errors import FileRefused
from server.attachments.media import MOST_SECONDS, sniff
from server.attachments.processing import check
from server.attachments.sounds import sound_of

SECRET = b"recorded at home"
SOUND = b"\xfc" * 40
UNKNOWN = b"\x01" + b"\xff" * 7


def element(name, body, *, sized=True):
    length = (len(body) | 1 << 56).to_bytes(8) if sized else UNKNOWN
    return bytes.fromhex(name) + length + body


def webm(*, kind=2, codec=b"A_OPUS", seconds=3, tracks=1, sized=False):
    """A memo as a browser records it: a segment and clusters that say no size, and words about the program."""
    head = element("1a45dfa3", element("4282", b"webm"))
    info = element("1549a966", element("2ad7b1", (1_000_000).to_bytes(3)) + element("4d80", SECRET))
    track = element(
        "ae", element("d7", b"\x01") + element("83", bytes([kind])) + element("86", codec) + element("536e", SECRET)
    )
    clusters = b"".join(
        element(
            "1f43b675",
            element("e7", (second * 1000).to_bytes(4)) + element("a3", b"\x81\x03\xe7\x80" + SOUND),
            sized=sized,
        )
        for second in range(seconds)
    )
    tags = element("1254c367", SECRET)
    return head + element("18538067", info + element("1654ae6b", track * tracks) + tags + clusters, sized=sized)


def box(kind, body):
    return struct.pack(">I4s", len(body) + 8, kind) + body


def mp4(*, handler=b"soun", entry=b"mp4a", seconds=3, tracks=1):
    made = 0x5EC2E7AA
    stsd = box(b"stsd", bytes(4) + struct.pack(">I", 1) + box(entry, bytes(28)))
    mdia = box(b"mdhd", bytes(4) + struct.pack(">IIII", made, made, 1000, seconds * 1000) + bytes(4))
    mdia += box(b"hdlr", bytes(8) + handler + bytes(12) + SECRET) + box(b"minf", box(b"stbl", stsd))
    trak = box(b"trak", box(b"tkhd", bytes(4) + struct.pack(">II", made, made) + bytes(72)) + box(b"mdia", mdia))
    moov = box(
        b"moov",
        box(b"mvhd", bytes(4) + struct.pack(">II", made, made) + bytes(88)) + trak * tracks + box(b"udta", SECRET),
    )
    return box(b"ftyp", b"M4A \0\0\0\0") + box(b"uuid", SECRET * 2) + moov + box(b"mdat", SOUND)


@pytest.mark.parametrize(
    ("memo", "kind"), [(webm(), "audio/webm"), (webm(sized=True), "audio/webm"), (mp4(), "audio/mp4")]
)
def test_only_the_sound_of_a_memo_is_left(memo, kind):
    assert sniff(memo) == kind
    served = sound_of(memo, kind)
    assert SECRET not in served
    assert served.count(SOUND) == memo.count(SOUND) > 0
    assert sound_of(served, kind) == served, "stripping twice changes nothing"


def test_when_a_memo_was_made_is_not_told():
    memo = mp4()
    assert memo.count(struct.pack(">I", 0x5EC2E7AA)) == 6
    assert struct.pack(">I", 0x5EC2E7AA) not in sound_of(memo, "audio/mp4")


@pytest.mark.parametrize(
    ("memo", "reason"),
    [
        (webm(kind=1), "not-sound-alone"),
        (webm(codec=b"V_VP8"), "not-sound-alone"),
        (webm(tracks=2), "sound-damaged"),
        (webm(seconds=0), "sound-damaged"),
        (webm()[:-9], "sound-damaged"),
        (webm(seconds=MOST_SECONDS + 1), "sound-too-long"),
        (mp4(handler=b"vide"), "not-sound-alone"),
        (mp4(entry=b"avc1"), "not-sound-alone"),
        (mp4(tracks=2), "not-sound-alone"),
        (mp4()[:-9], "sound-damaged"),
        (mp4(seconds=MOST_SECONDS + 1), "sound-too-long"),
    ],
)
def test_what_is_no_memo_is_refused_with_its_reason(memo, reason):
    with pytest.raises(FileRefused) as refused:
        sound_of(memo, sniff(memo))
    assert refused.value.reason == reason


def test_a_memo_is_looked_at_in_a_confined_child_and_gets_no_preview():
    checked = check(webm())
    assert (checked.media.type, checked.media.readable) == ("audio/webm", False)
    assert SECRET not in checked.served


@given(st.data())
def test_whatever_the_bytes_a_memo_is_taken_whole_or_refused(data):
    kind = data.draw(st.sampled_from(["audio/webm", "audio/mp4"]))
    memo = bytearray(webm() if kind == "audio/webm" else mp4())
    for _ in range(data.draw(st.integers(1, 6))):
        memo[data.draw(st.integers(0, len(memo) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FileRefused):
        sound_of(bytes(memo[: data.draw(st.integers(1, len(memo)))]), kind)
