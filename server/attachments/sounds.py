"""What is done with a voice memo in a confined child: only the sound of it is written anew, and its length is measured.

Owns the containers WebM and MP4 as far as recorders of browsers write them: one track of sound, Opus or AAC. Of WebM
what is known is copied and all else left out (names, tags, programs, times); in MP4, where sound is found by its offset
in the file, all else is blanked in place. No sound is decoded, so nothing can explode. What has a picture, more than
one track, or cannot be followed to its end is refused. Runs by ``server.attachments.processing``; knows no uploads.

Formats: RFC 8794 (EBML), RFC 9559 (Matroska), ISO/IEC 14496-12 (MP4).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from server.attachments.errors import FileRefused
from server.attachments.heic import Box, boxes
from server.attachments.media import MOST_SECONDS
from server.confined import Told

# EBML and Matroska
_EBML, _DOC_TYPE, _SEGMENT = 0x1A45DFA3, 0x4282, 0x18538067
_INFO, _SCALE, _DURATION = 0x1549A966, 0x2AD7B1, 0x4489
_TRACKS, _TRACK, _TRACK_NUMBER, _TRACK_TYPE, _CODEC = 0x1654AE6B, 0xAE, 0xD7, 0x83, 0x86
_CLUSTER, _TIME, _SIMPLE_BLOCK, _GROUP, _BLOCK = 0x1F43B675, 0xE7, 0xA3, 0xA0, 0xA1
_BESIDE = frozenset({0x114D9B74, 0x1C53BB6B, 0x1254C367, 0x1941A469, 0x1043A770, 0xEC, 0xBF})
_LEVEL_1 = _BESIDE | {_INFO, _TRACKS, _CLUSTER}
# Of a track: number, UID, type, codec with its own data, delays, and how it sounds.
_KEPT_OF_TRACK = frozenset({_TRACK_NUMBER, 0x73C5, _TRACK_TYPE, _CODEC, 0x63A2, 0x56AA, 0x56BB, 0xE1})
_SOUND: Final = 2
_NANOSECONDS: Final = 1_000_000_000
_WEBM_HEAD = ((0x4286, b"\x01"), (0x42F7, b"\x01"), (0x42F2, b"\x04"), (0x42F3, b"\x08"),
              (_DOC_TYPE, b"webm"), (0x4287, b"\x04"), (0x4285, b"\x02"))  # fmt: skip
# MP4: what plays sound. Other boxes may hold anything, and are blanked.
_KEPT_BOXES = frozenset({b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx"})
_PARENTS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf", b"edts", b"dinf"})
_KEPT_INSIDE = _PARENTS | frozenset(
    {b"mvhd", b"tkhd", b"mdhd", b"hdlr", b"smhd", b"dref", b"stsd", b"stts", b"stsc", b"stsz", b"stco", b"co64",
     b"sgpd", b"sbgp", b"trex", b"mehd", b"mfhd", b"tfhd", b"tfdt", b"trun", b"elst"}
)  # fmt: skip
_SOUND_ENTRIES = frozenset({b"mp4a", b"Opus"})


def check(told: Told, name: str, kind: str) -> dict[str, Any]:
    """Return {"served": the sound as others may hear it}, or {"refused": why, "data": more of it}."""
    del told
    content = Path(name).read_bytes()
    try:
        return {"served": sound_of(content, kind)}
    except FileRefused as refusal:
        return {"refused": refusal.reason, "data": refusal.data}


def sound_of(content: bytes, kind: str) -> bytes:
    """Return a memo with nothing but its sound. Raises ``FileRefused`` for what is no sound alone, or too long."""
    try:
        served, seconds = _webm(content) if kind == "audio/webm" else _mp4(content)
    except (struct.error, IndexError, ValueError, KeyError, OverflowError) as error:
        raise FileRefused("sound-damaged") from error
    if seconds > MOST_SECONDS:
        raise FileRefused("sound-too-long", limit_s=MOST_SECONDS)
    return served


@dataclass(frozen=True, slots=True)
class _Element:
    """One element of EBML, and where its body begins and ends."""

    id: int
    begins: int
    ends: int


def _webm(content: bytes) -> tuple[bytes, float]:
    head, segment = _elements(content, 0, len(content), most=2)
    if head.id != _EBML or segment.id != _SEGMENT or _child(content, head, _DOC_TYPE) != b"webm":
        raise ValueError("no WebM")
    scale, track, clusters, last = 1_000_000, b"", [], 0
    for each in _elements(content, segment.begins, segment.ends):
        if each.id == _INFO:
            scale = _number(_child(content, each, _SCALE) or b"\x0f\x42\x40")
        elif each.id == _TRACKS:
            track = _one_track(content, each)
        elif each.id == _CLUSTER:
            cluster, until = _cluster(content, each)
            clusters.append(cluster)
            last = max(last, until)
        elif each.id not in _BESIDE:
            raise ValueError("an element that is not known")
    if not track or not clusters:
        raise ValueError("no sound")
    told = [(_SCALE, scale.to_bytes(4)), (_DURATION, struct.pack(">d", float(last)))]
    info = b"".join(_packed(name, value) for name, value in [*told, (0x4D80, b"-"), (0x5741, b"-")])
    body = _packed(_INFO, info) + _packed(_TRACKS, track) + b"".join(clusters)
    begun = b"".join(_packed(name, value) for name, value in _WEBM_HEAD)
    return _packed(_EBML, begun) + _packed(_SEGMENT, body), last * scale / _NANOSECONDS


def _one_track(content: bytes, tracks: _Element) -> bytes:
    [entry] = [each for each in _within(content, tracks) if each.id == _TRACK]
    parts = {each.id: content[each.begins : each.ends] for each in _within(content, entry)}
    if _number(parts[_TRACK_TYPE]) != _SOUND or parts[_CODEC] != b"A_OPUS":
        raise FileRefused("not-sound-alone")
    return _packed(_TRACK, b"".join(_packed(name, parts[name]) for name in parts if name in _KEPT_OF_TRACK))


def _cluster(content: bytes, cluster: _Element) -> tuple[bytes, int]:
    """Return a cluster with its blocks alone, and the time of the last one in ticks."""
    begins, blocks, last = 0, [], 0
    for each in _within(content, cluster):
        if each.id == _TIME:
            begins = _number(content[each.begins : each.ends])
        elif each.id == _SIMPLE_BLOCK:
            blocks.append(content[each.begins : each.ends])
        elif each.id == _GROUP:
            [inner] = [part for part in _within(content, each) if part.id == _BLOCK]
            blocks.append(content[inner.begins : inner.ends])
    for block in blocks:
        # The number of the track in one byte, then its time from that of the cluster.
        last = max(last, begins + struct.unpack_from(">h", block, 1)[0])
    body = _packed(_TIME, begins.to_bytes(8)) + b"".join(_packed(_SIMPLE_BLOCK, block) for block in blocks)
    return _packed(_CLUSTER, body), last


def _elements(content: bytes, at: int, end: int, most: int | None = None) -> Iterator[_Element]:
    """Yield elements one after the other; a cluster without a size ends where the next of its level begins."""
    while at < end and most != 0:
        name, at = _name(content, at)
        size, at = _size(content, at)
        ends = (end if name == _SEGMENT else _end_of_cluster(content, at, end)) if size is None else at + size
        if ends > end:
            raise ValueError("an element ends beyond what holds it")
        yield _Element(name, at, ends)
        at = ends
        most = None if most is None else most - 1


def _end_of_cluster(content: bytes, at: int, end: int) -> int:
    while at < end:
        name, body = _name(content, at)
        if name in _LEVEL_1:
            return at
        size, body = _size(content, body)
        if size is None:
            raise ValueError("no end to be found")
        at = body + size
    return at


def _within(content: bytes, outer: _Element) -> Iterator[_Element]:
    return _elements(content, outer.begins, outer.ends)


def _child(content: bytes, outer: _Element, name: int) -> bytes | None:
    found = [content[each.begins : each.ends] for each in _within(content, outer) if each.id == name]
    return found[0] if found else None


def _name(content: bytes, at: int) -> tuple[int, int]:
    """Return the id of the element at an offset, with the bit that tells its length, and where it ends."""
    length = 9 - content[at].bit_length()
    return _number(_part(content, at, length, most=4)), at + length


def _size(content: bytes, at: int) -> tuple[int | None, int]:
    """Return the size at an offset, None where it is said to be unknown, and where it ends."""
    length = 9 - content[at].bit_length()
    unknown = (1 << 7 * length) - 1
    value = _number(_part(content, at, length, most=8)) & unknown
    return (None if value == unknown else value), at + length


def _part(content: bytes, at: int, length: int, *, most: int) -> bytes:
    if not 1 <= length <= most or at + length > len(content):
        raise ValueError("a number that is too long")
    return content[at : at + length]


def _number(value: bytes) -> int:
    return int.from_bytes(value)


def _packed(name: int, body: bytes) -> bytes:
    return name.to_bytes((name.bit_length() + 7) // 8) + (len(body) | 1 << 56).to_bytes(8) + body


def _mp4(content: bytes) -> tuple[bytes, float]:
    blank = bytearray(content)
    seen: list[tuple[bytes, Box]] = []
    for box in boxes(content, 0, len(content)):
        if box.kind not in _KEPT_BOXES:
            blank[box.begins : box.ends] = bytes(box.ends - box.begins)
        elif box.kind in _PARENTS:
            _blank_inside(content, blank, box, seen)
    handlers = [content[box.begins + 8 : box.begins + 12] for kind, box in seen if kind == b"hdlr"]
    entries = [content[box.begins + 12 : box.begins + 16] for kind, box in seen if kind == b"stsd"]
    if handlers != [b"soun"] or len(entries) != 1 or entries[0] not in _SOUND_ENTRIES:
        raise FileRefused("not-sound-alone")
    return bytes(blank), _mp4_seconds(content, seen)


def _blank_inside(content: bytes, blank: bytearray, outer: Box, seen: list[tuple[bytes, Box]]) -> None:
    for box in boxes(content, outer.begins, outer.ends):
        if box.kind not in _KEPT_INSIDE:
            blank[box.begins - 4 : box.ends] = b"free" + bytes(box.ends - box.begins)
            continue
        seen.append((box.kind, box))
        if box.kind in _PARENTS:
            _blank_inside(content, blank, box, seen)
        elif box.kind in (b"mvhd", b"tkhd", b"mdhd"):
            # When it was made and changed.
            wide = 16 if content[box.begins] == 1 else 8
            blank[box.begins + 4 : box.begins + 4 + wide] = bytes(wide)
        elif box.kind == b"hdlr":
            blank[box.begins + 24 : box.ends] = bytes(box.ends - box.begins - 24)


def _mp4_seconds(content: bytes, seen: list[tuple[bytes, Box]]) -> float:
    """Return how long it plays: by its head, or by where its last fragment begins, whichever is later."""
    [head] = [box for kind, box in seen if kind == b"mdhd"]
    if content[head.begins] == 1:
        ticks, duration = struct.unpack_from(">IQ", content, head.begins + 20)
    else:
        ticks, duration = struct.unpack_from(">II", content, head.begins + 12)
    starts = [
        struct.unpack_from(">Q" if content[box.begins] == 1 else ">I", content, box.begins + 4)[0]
        for kind, box in seen
        if kind == b"tfdt"
    ]
    if ticks == 0:
        raise ValueError("no time scale")
    return float(max([duration, *starts])) / float(ticks)
