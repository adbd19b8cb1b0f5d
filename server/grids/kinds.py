"""The kinds of area that Chinese cities are cut into, as a city without any is given them. Data, no code."""

from geo.editions.publish import NewKind

STANDARD_KINDS = (
    NewKind("city", "市", "City", 0),
    NewKind("county", "区县", "County", 1),
    NewKind("street", "街道", "Street", 2),
    NewKind("committee", "工作委员会", "Working committee", 2),
    NewKind("community", "社区", "Community", 3),
    NewKind("section", "片区", "Section", 4),
    NewKind("grid", "网格", "Grid", 5, is_locating=True),
    NewKind("micro_grid", "微网格", "Micro-grid", 6),
    NewKind("zone", "责任区", "Responsibility zone", 6),
    NewKind("building", "楼栋", "Building", 7),
)
