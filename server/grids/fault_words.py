"""What the faults of boundary files are called, in Chinese and English, and whether they were mended.

Owns words and nothing else; the faults themselves are found by ``geo.files``.
"""

from collections.abc import Mapping
from typing import Final

from geo.shapes import Fault

# Code -> Chinese, English. What was mended in reading says so.
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "unclosed-ring": ("环未闭合，已闭合", "ring not closed; closed it"),
    "too-few-points": ("点太少", "too few points"),
    "repeated-points": ("连续的重复点，已删除", "points repeated in a row; removed"),
    "self-crossing": ("边界自相交，已修复", "border crosses itself; mended"),
    "spike": ("边界有尖刺，已削去", "spike in the border; cut off"),
    "hole-outside": ("洞在外环之外，已修复", "hole outside its shell; mended"),
    "nested-holes": ("洞中有洞，已修复", "hole within a hole; mended"),
    "disconnected": ("内部被切断，已修复", "interior cut in two; mended"),
    "nested-parts": ("部分相互嵌套，已修复", "parts nested in each other; mended"),
    "duplicate-rings": ("环重复，已修复", "ring repeated; mended"),
    "zero-area-part": ("某部分没有面积，已删除", "part without area; removed"),
    "area-changed": ("修复改变了面积", "mending changed the area"),
    "invalid": ("图形无效", "invalid geometry"),
    "overlap": ("与相邻区域重叠", "overlaps its neighbour"),
    "sliver": ("与相邻区域有狭长重叠", "thin overlap with its neighbour"),
    "thin-part": ("有过窄的部分", "very thin part"),
    "gap": ("与相邻区域之间有缝隙", "gap between neighbours"),
    "hole": ("区域之间有未覆盖的地", "ground enclosed and in no area"),
    "unmatched": ("相邻边界的顶点不一致", "neighbours do not share their vertices"),
    "outside-parent": ("超出上级区域", "reaches out of its parent"),
    "uncovered": ("上级区域有未覆盖的地", "ground of the parent in no child"),
    "crs-assumed": ("文件未说明坐标系，按坐标推定", "the file names no reference system; assumed from the coordinates"),
    "encoding-contradicted": ("所称编码与内容不符，按内容读取", "the encoding declared is not that of the texts"),
    "repeated-code": ("编码重复", "code used more than once"),
    "other-kind": ("属于其他类别，未读入", "of other kinds; left out"),
    "not-finite": ("坐标不是有限数，未读入", "coordinate not a finite number; left out"),
    "out-of-range": ("坐标越界，未读入", "coordinate out of range; left out"),
    "no-coordinates": ("没有坐标，未读入", "no coordinates; left out"),
    "wrong-type": ("不是多边形，未读入", "not a polygon; left out"),
    "zero-area": ("没有面积，未读入", "no area; left out"),
    "round-the-world": ("跨越半个地球以上，未读入", "wider than half the earth; left out"),
    "no-code": ("没有编码", "no code"),
    "no-name": ("没有名称，以编码代替", "no name; the code stands for it"),
}
# A set of areas that has one of these is not taken: something of the file would be missing, or lie in two areas.
REFUSED: Final = frozenset(
    {
        "repeated-code", "no-code", "not-finite", "out-of-range", "round-the-world", "no-coordinates", "wrong-type",
        "zero-area", "invalid",
    }
)  # fmt: skip
# Why a file as a whole cannot be read: reason -> Chinese, English.
REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("文件不见了，请重新上传", "the file is gone; send it again"),
    "unknown-format": (
        "只收 GeoPackage、Shapefile（zip）和 GeoJSON",
        "only GeoPackage, Shapefile (in a zip) and GeoJSON are taken",
    ),
    "damaged": ("文件已损坏，或不是所称的格式", "the file is damaged, or not of the format that it says"),
    "too-large": ("文件过大，请分成几个", "the file is too large; divide it"),
    "too-many-features": ("要素过多，请分成几个文件", "too many features; divide the file"),
    "too-many-in-a-draft": (
        "变更的区域过多，一个草案放不下；请分成几个文件，或直接导入为新版次",
        "more areas differ than a draft can hold; divide the file, or take it as the next edition",
    ),
    "too-many-points": ("点过多，请简化或分成几个文件", "too many points; simplify it, or divide the file"),
    "empty": ("文件是空的", "the file is empty"),
    "no-layer": ("没有这个图层", "there is no such layer"),
    "several-layers": ("有多个图层，请用 layer 指定", "several layers; name one with layer"),
    "missing-part": (
        "Shapefile 缺少组成文件，请与 .shp 一起打包",
        "a part of the Shapefile is missing; put it into the zip",
    ),
    "no-polygons": ("没有多边形", "there are no polygons"),
    "encrypted": ("压缩包有密码，请去掉密码", "the zip is encrypted; take the password off"),
    "unsafe-path": ("压缩包内的路径不安全，未解压", "a path in the zip leads out of it; it was not unpacked"),
    "too-many-members": ("压缩包内的文件过多", "too many files in the zip"),
    "bomb": ("压缩包解开后过大，未解压", "the zip would unpack to too much; it was not unpacked"),
    "unknown-field": ("文件里没有这个字段", "the file has no such field"),
    "meridian-not-told": (
        "坐标不带带号，无法判断中央经线，请用 crs 指定",
        "eastings without a zone do not tell their meridian; name the system with crs",
    ),
    "not-told": ("坐标说明不了坐标系，请用 crs 指定", "the coordinates do not tell their system; name it with crs"),
    "swapped": ("纬度在前、经度在后，请对调", "latitude comes before longitude; swap them"),
    "unknown-kind": ("没有这个区域类别", "there is no such kind of area"),
    "unknown-parent": ("没有这个上级区域", "there is no such parent"),
    "parent-not-above": ("上级的层级不比它高", "the parent is not of a higher kind"),
    "other-kind": ("同编码的区域属于另一类别", "an area of another kind has this code"),
    "repeated-code": ("编码重复", "a code is used more than once"),
    "has-children": ("还有下级区域", "there are areas below it"),
}
MARKS: Final = {"error": "✗", "warning": "!", "note": "·"}


def line(fault: Fault, *, of: str = "") -> str:
    """Return one fault as a line: how bad, of which area, what, where on the ground, how much."""
    zh, en = WORDS.get(fault.code, (fault.code, fault.code))
    place = "" if fault.lon is None or fault.lat is None else f" @ {fault.lon:.6f}, {fault.lat:.6f}"
    names = fault.detail.get("names")
    who = of or (
        " / ".join(str(name) for name in names) if isinstance(names, list) else str(fault.detail.get("name") or "")
    )
    return f"  {MARKS[fault.severity]} {who + ': ' if who else ''}{zh} · {en}{place}{_amount(fault)}"


def _amount(fault: Fault) -> str:
    detail = fault.detail
    told = []
    if "count" in detail:
        told.append(f"×{detail['count']}")
    if "more" in detail:
        told.append(f"(+{detail['more']})")
    if "percent" in detail:
        told.append(f"{detail['percent']} %")
    if "area_m2" in detail:
        told.append(f"{detail['area_m2']} m²")
    if "width_m" in detail:
        told.append(f"{detail['width_m']} m")
    if "code" in detail:
        told.append(str(detail["code"]))
    return "".join(f"  {each}" for each in told)
