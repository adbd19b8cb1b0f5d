"""The faults of a boundary file in an order that a person can work through.

Owns how bad a fault is for the one who sent the file (does it refuse the file, was it mended, shall it be looked at),
the order, and how many are told of each sort. Must not know how faults are found.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

from geo.geometry.shapes import Fault
from server.grids.imports.fault_words import REFUSED, WORDS, line, words_of

Level = Literal["refused", "warning", "mended", "note"]
Found = tuple[str, Fault]
"""The name of the area ("": of the file, or of neighbours), and the fault."""

LEVELS: Final[tuple[Level, ...]] = ("refused", "warning", "mended", "note")
MARKS: Final[dict[Level, str]] = {"refused": "✗", "warning": "!", "mended": "~", "note": "·"}
_IN_ALL: Final[dict[Level, str]] = {
    "refused": "不能接受 refuse the file",
    "warning": "请查看 to be looked at",
    "mended": "已修复 mended",
    "note": "提示 notes",
}
_MENDED: Final = frozenset(
    code for code, (_, en) in WORDS.items() if en.endswith(("; mended", "; removed", "; cut off", "; closed it"))
)
_MOST_LINES: Final = 20


def level_of(fault: Fault) -> Level:
    """How bad a fault is."""
    if fault.code in REFUSED:
        return "refused"
    if fault.code in _MENDED:
        return "mended"
    return "note" if fault.severity == "note" else "warning"


def worst_first(faults: Sequence[Found]) -> list[Found]:
    """What refuses the file first; of a level, each code together, the rarest first: the many are of one cause."""
    counts = Counter(fault.code for _, fault in faults)
    return sorted(
        faults, key=lambda each: (LEVELS.index(level_of(each[1])), counts[each[1].code], each[1].code)
    )  # fmt: skip


def told_of(faults: Sequence[Found], most: int = _MOST_LINES) -> Iterator[str]:
    """A line of how many there are of each level, then each code with its first places."""
    if not faults:
        return
    levels = Counter(level_of(fault) for _, fault in faults)
    yield "  " + ", ".join(f"{MARKS[each]} {levels[each]:,} {_IN_ALL[each]}" for each in LEVELS if levels[each])
    counts = Counter(fault.code for _, fault in faults)
    told: Counter[str] = Counter()
    for who, fault in worst_first(faults):
        told[fault.code] += 1
        mark = MARKS[level_of(fault)]
        if told[fault.code] <= most:
            yield line(fault, mark, of=who)
        elif told[fault.code] == most + 1:
            zh, en = words_of(fault)
            more = counts[fault.code] - most
            yield f"  {mark} … {zh} · {en}: 另有 {more:,} 处 · {more:,} more"


def as_features(faults: Sequence[Found], most: int) -> list[dict[str, Any]]:
    """The worst as GeoJSON features; at most so many of one code."""
    told: Counter[str] = Counter()
    found = []
    for who, fault in worst_first(faults):
        told[fault.code] += 1
        if told[fault.code] <= most:
            found.append(feature_of(who, fault))
    return found


def feature_of(who: str, fault: Fault) -> dict[str, Any]:
    """Return one fault as a GeoJSON feature: a point, or no geometry where it has no place."""
    zh, en = words_of(fault)
    names = fault.detail.get("names")
    of = [str(name) for name in names if name] if isinstance(names, list) else [who or fault.detail.get("name")]
    at = None if fault.lon is None or fault.lat is None else [round(fault.lon, 8), round(fault.lat, 8)]
    told = {name: fault.detail[name] for name in _TOLD if name in fault.detail}
    return {
        "type": "Feature",
        "geometry": None if at is None else {"type": "Point", "coordinates": at},
        "properties": {
            "code": fault.code,
            "severity": fault.severity,
            "level": level_of(fault),
            "areas": [name for name in of if name],
            **told,
            "refused": fault.code in REFUSED,
            "text": {"zh": zh, "en": en},
        },
    }


_TOLD: Final = (
    *("feature", "features", "count", "more", "percent", "area_m2", "width_m", "fields"),
    *("crs", "declared", "encoding", "accuracy_m"),
)
