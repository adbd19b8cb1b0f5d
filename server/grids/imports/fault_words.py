"""What the faults of boundary files are called, in Chinese and English, and whether they were mended.

Owns words and nothing else; the faults themselves are found by ``geo.files.reading``.
"""

from collections.abc import Mapping
from typing import Final

from geo.geometry.shapes import Fault

# Code -> Chinese, English. What was mended in reading says so.
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "unclosed-ring": ("环未闭合，已闭合", "ring not closed; closed it"),
    "too-few-points": ("有一环点太少，已删除", "ring of too few points; removed"),
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
    "inexact-code": (
        "编码曾被当作数字，末几位已丢失；请在源文件中把该列改为文本后重新导出",
        "the code was a number on its way and has lost its last digits; make the column text in its source",
    ),
    "other-kind": ("属于其他类别，未读入", "of other kinds; left out"),
    "not-finite": ("坐标不是有限数，未读入", "coordinate not a finite number; left out"),
    "out-of-range": ("坐标越界，未读入", "coordinate out of range; left out"),
    "no-coordinates": ("没有坐标，未读入", "no coordinates; left out"),
    "wrong-type": ("不是多边形，未读入", "not a polygon; left out"),
    "zero-area": ("没有面积，未读入", "no area; left out"),
    "round-the-world": ("跨越半个地球以上，未读入", "wider than half the earth; left out"),
    "no-code": ("没有编码", "no code"),
    "no-parent": ("没有上级区域", "no parent"),
    "name-blank": ("名称是空白", "the name is blank"),
    "name-too-long": ("名称超过 200 字", "the name has more than 200 characters"),
    "name-control-character": ("名称含有控制字符或换行", "the name has a control character or a line break"),
    "name-direction-mark": ("名称含有改变文字方向的字符", "the name has a mark that turns the direction of text"),
    "crs-approximate": (
        "坐标系到 WGS-84 的转换只有近似精度",
        "the way from its reference system to WGS-84 is only near",
    ),
    "no-name": ("没有名称，以编码代替", "no name; the code stands for it"),
}
# A set of areas that has one of these is not taken: something of the file would be missing, or lie in two areas.
REFUSED: Final = frozenset(
    {
        "repeated-code", "no-code", "inexact-code", "not-finite", "out-of-range", "round-the-world", "no-coordinates",
        "wrong-type", "zero-area", "invalid", "no-parent", "name-blank",
        "name-too-long", "name-control-character", "name-direction-mark",
    }
)  # fmt: skip
# Why a file as a whole cannot be read: reason -> Chinese, English.
REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("文件不见了，请重新上传", "the file is gone; send it again"),
    "unknown-format": (
        "不认识这种格式；可读 GeoPackage、Shapefile 或 FileGDB（zip）、GeoJSON、KML、KMZ 和带 WKT 列的 CSV",
        "not a known format; GeoPackage, Shapefile or FileGDB (in a zip), GeoJSON, KML, KMZ and CSV with WKT are taken",
    ),
    "drawing": (
        "CAD 图纸只有线，没有面、编码和坐标系；请在 QGIS 中“线转面”、填写编码后另存为 GeoPackage",
        "a CAD drawing has lines, but no areas and codes; make polygons of it in QGIS, and save them as GeoPackage",
    ),
    "spreadsheet": (
        "不读电子表格；请另存为 CSV（UTF-8），图形写在 WKT 列，编码列设为文本",
        "spreadsheets are not taken; save it as CSV (UTF-8) with the shapes in a column WKT, and the codes as text",
    ),
    "no-wkt": ("CSV 没有图形列；请加一列 WKT", "the CSV has no column of shapes; add one named WKT"),
    "mapinfo": (
        "不读 MapInfo 文件；请在 QGIS 中另存为 GeoPackage",
        "MapInfo files are not taken; save it as GeoPackage with QGIS",
    ),
    "topojson": (
        "不读 TopoJSON；请用 mapshaper 或 topo2geo 转为 GeoJSON",
        "TopoJSON is not taken; make GeoJSON of it with mapshaper or topo2geo",
    ),
    "packed-shapes": (
        "坐标是压缩过的文字（ECharts 的 UTF8Encoding），不是数字；请先解码为普通 GeoJSON",
        "coordinates are packed into texts (UTF8Encoding of ECharts), not numbers; unpack it to plain GeoJSON first",
    ),
    "other-archive": ("只解 zip 压缩包；请改用 zip", "only zip archives are opened; use zip"),
    "damaged": (
        "文件已损坏，或不是所称的格式；请用 QGIS 检查并另存为 GeoPackage",
        "the file is damaged, or not of the format that it says; look at it in QGIS, and save it anew as GeoPackage",
    ),
    "too-large": ("文件过大，请分成几个", "the file is too large; divide it"),
    "too-many-features": ("要素过多，请分成几个文件", "too many features; divide the file"),
    "too-many-in-a-draft": (
        "变更的区域过多，一个草案放不下；请分成几个文件，或直接导入为新版本",
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
    "nested-too-deep": (
        "数据嵌套过深（实际与上限见 which），未读取；请用 QGIS 打开后另存为 GeoPackage，只保留编码、名称等字段",
        "it nests deeper than it may (see which) and was not read; save it as GeoPackage with QGIS, with plain fields",
    ),
    "row-too-long": (
        "CSV 有一行过长（实际与上限见 which），未读取；请检查是否缺少引号，或简化该图形，或另存为 GeoPackage",
        "a row of the CSV is too long (see which); look for a missing quote, simplify the shape, or save it as GPKG",
    ),
    "too-many-columns": (
        "CSV 列过多（实际与上限见 which），未读取；请只保留编码、名称、上级和 WKT 等列",
        "the CSV has too many columns (see which) and was not read; keep those of code, name, parent and WKT",
    ),
    "out-of-time": (
        "读取此文件用时过长，已停止；请简化图形、分成几个文件，或用 QGIS 另存为 GeoPackage",
        "reading it took too long and was ended; simplify it, divide it, or save it anew as GeoPackage with QGIS",
    ),
    "out-of-memory": (
        "读取此文件需要的内存过多，已停止；请简化图形或分成几个文件",
        "reading it took too much memory and was ended; simplify it, or divide it",
    ),
    "too-much-output": ("文件内容过多，请分成几个文件", "the file holds too much; divide it"),
    "unreadable": (
        "文件使读取程序异常终止；请用 QGIS 检查并另存为 GeoPackage",
        "the file broke its reader; look at it in QGIS, and save it anew as GeoPackage",
    ),
    "too-many-overlaps": (
        "区域大量相互重叠，无法逐一核对；请确认没有重复的图层",
        "areas lie over each other so often that they cannot be told apart; look for layers that are in it twice",
    ),
    "layer-is-a-view": (
        "图层是视图而不是表；请用 QGIS 另存为新的 GeoPackage",
        "the layer is a view, not a table; save it as a new GeoPackage with QGIS",
    ),
    "unknown-encoding": (
        "不认识这种编码，请用 UTF-8、GBK、CP1252 等名称",
        "there is no such encoding; name one as UTF-8, GBK or CP1252",
    ),
    "wrong-encoding": ("文字不是这种编码，请改用其他 encoding", "the texts are not in this encoding; name another"),
    "unknown-field": ("文件里没有这个字段", "the file has no such field"),
    "meridian-not-told": (
        "坐标不带带号，无法判断中央经线，请用 crs 指定",
        "eastings without a zone do not tell their meridian; name the system with crs",
    ),
    "approximate": (
        "该坐标系到 WGS-84 只能近似转换；如可接受，请用 crs 指定它",
        "its way to WGS-84 is only near; where that will do, name it with crs",
    ),
    "no-way-to-wgs84": (
        "该坐标系没有到 WGS-84 的公开转换；请先在 QGIS 中转为 EPSG:4490",
        "there is no public way from it to WGS-84; bring the file to EPSG:4490 with QGIS first",
    ),
    "unknown": ("没有这个坐标系；请用 EPSG 编号，如 EPSG:4547", "there is no such system; name it as EPSG:4547"),
    "geocentric": ("地心坐标系不能用于边界", "a geocentric system cannot hold boundaries"),
    "not-told": ("坐标说明不了坐标系，请用 crs 指定", "the coordinates do not tell their system; name it with crs"),
    "swapped": ("纬度在前、经度在后，请对调", "latitude comes before longitude; swap them"),
    "unknown-kind": ("没有这个区域类别", "there is no such kind of area"),
    "unknown-parent": ("上级区域不存在", "the parent does not exist"),
    "parent-not-above": ("上级的层级不比它高", "the parent is not of a higher kind"),
    "other-kind": ("同编码的区域属于另一类别", "an area of another kind has this code"),
    "repeated-code": ("编码重复", "a code is used more than once"),
    "has-children": ("还有下级区域", "there are areas below it"),
    "no-parent": ("没有上级区域，请填写上级编码", "it has no parent; name the area that it lies in"),
    "nothing-left": ("这样就没有任何区域了", "no area would be left"),
}


def words_of(fault: Fault) -> tuple[str, str]:
    """What a fault is called, in Chinese and English."""
    return WORDS.get(fault.code, (fault.code, fault.code))


def line(fault: Fault, mark: str, *, of: str = "") -> str:
    """Return one fault as a line: how bad, of which area, what, where on the ground, how much."""
    zh, en = words_of(fault)
    place = "" if fault.lon is None or fault.lat is None else f" @ {fault.lon:.6f}, {fault.lat:.6f}"
    names = fault.detail.get("names")
    who = of or (
        " / ".join(str(name) for name in names) if isinstance(names, list) else str(fault.detail.get("name") or "")
    )
    return f"  {mark} {who + ': ' if who else ''}{zh} · {en}{place}{_amount(fault)}"


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
    if "accuracy_m" in detail:
        told.append(f"±{detail['accuracy_m']} m")
    if "code" in detail:
        told.append(str(detail["code"]))
    return "".join(f"  {each}" for each in told)
