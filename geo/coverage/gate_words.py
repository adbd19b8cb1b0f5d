"""What the gate's findings say to people, in Chinese and English: what is wrong, and what to do.

Owns the texts. Must not know how anything is found. Fields in braces are filled from the finding.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

TEXTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "invalid": (
            "{areas} 的图形无效（自相交或重边），请在标出的位置改正",
            "The outline of {areas} is not valid here (it crosses itself or runs twice); redraw it at this place",
        ),
        "overlap": (
            "{areas} 重叠 {area_m2} 平方米，请把这块地划给其中一个",
            "{areas} overlap by {area_m2} m²; give this ground to one of them",
        ),
        "sliver": (
            "{areas} 之间有宽 {width_m} 米的细长重叠，请让两边共用一条边界，或用修复",
            "{areas} overlap in a strip {width_m} m wide; let them share one border, or repair",
        ),
        "thin-part": (
            "{areas} 有一部分只有 {width_m} 米宽，请删去或并入邻区",
            "A part of {areas} is only {width_m} m wide; drop it, or give it to the neighbour",
        ),
        "gap": (
            "{areas} 之间有缝隙（宽 {width_m} 米，0 为开口），请让边界相接，或用修复",
            "There is a gap between {areas} ({width_m} m wide; 0 where it is open); let the borders meet, or repair",
        ),
        "hole": (
            "{areas} 围住的 {area_m2} 平方米不属于任何网格；若不是水面等，请划给一个网格",
            "{area_m2} m² inside {areas} belong to none; unless it is water or the like, give the ground to one",
        ),
        "ground-lost": (
            "{areas} 围住的 {area_m2} 平方米原属网格，现不属于任何网格；网格须无缝覆盖，请划给一个网格，水面也不例外",
            "{area_m2} m² inside {areas} were in a grid and are in none now; give the ground to one, water too",
        ),
        "unmatched": (
            "{areas} 的公共边界节点不一致，请补上节点，或用修复",
            "The common border of {areas} has vertices that only one of them has; add them, or repair",
        ),
        "outside-parent": (
            "{areas} 有 {area_m2} 平方米在上级 {parent} 之外，请改边界或改上级",
            "{area_m2} m² of {areas} lie outside its parent {parent}; move the border, or change the parent",
        ),
        "uncovered": (
            "上级 {parent} 有 {area_m2} 平方米不属于任何下级，请补划",
            "{area_m2} m² of {parent} are in none of its areas; give the ground to one",
        ),
        "many-parts": (
            "{areas} 由 {count} 块不相连的部分组成；若非有意，请分开或连上",
            "{areas} has {count} parts that lie apart; unless that is meant, split it or join them",
        ),
        "code-format": (
            "编码 {areas} 不符合规定格式，请改正 code",
            "The code {areas} has not the form that is asked for; correct the field code",
        ),
        "code-repeated": (
            "编码 {areas} 用了 {count} 次，每个区域的 code 必须唯一",
            "The code {areas} is used {count} times; give every area a code of its own",
        ),
        "code-prefix": (
            "编码 {areas} 不以上级编码 {parent} 开头，请核对 code 或上级",
            "The code {areas} does not begin with its parent's, {parent}; look at the code and at the parent",
        ),
        "unknown-parent": (
            "{areas} 的上级 {parent} 不存在，请改正上级编码",
            "The parent {parent} of {areas} does not exist; correct the parent's code",
        ),
        "no-parent": (
            "{areas} 没有上级，请填写上级编码；否则不属于本市，全市的管理人员也管不到",
            "{areas} has no parent, so it would be no part of the city that is in people's charge; name its parent",
        ),
        "households-out-of-norm": (
            "{areas} 有 {households} 户，不在规定的 {least} 至 {most} 户之内；偏少可与邻区合并，偏多可拆分",
            "{areas}, households: {households}; the norm is {least} to {most}: merge the small, split the large",
        ),
    }
)


def texts_of(code: str, facts: Mapping[str, object]) -> dict[str, str]:
    """The two texts of a finding, `zh` and `en`."""
    zh, en = TEXTS[code]
    return {"zh": zh.format_map(facts), "en": en.format_map(facts)}
