"""Of coordinates, boundary files, areas, editions and plans."""

from server.texts.problems.problem import Problem

GROUND: dict[str, Problem] = {
    "geo-error": Problem(422, "地理数据有误", "The geometry is wrong"),
    "invalid-coordinate": Problem(422, "坐标有误", "This coordinate is no place on earth"),
    "unknown-datum": Problem(422, "坐标系未知", "This datum is not known"),
    "invalid-shape": Problem(
        422, "图形有误", "This geometry is not right", "在图上该处改正", "Mend it at the place named"
    ),
    "invalid-coverage": Problem(422, "边界不成一体", "These polygons are no coverage"),
    "unknown-crs": Problem(
        422, "坐标参照系未知", "The reference system is not known", "请指定坐标系（crs）", "Name it (crs)"
    ),
    "crs-needs-parameters": Problem(
        422,
        "该坐标系需要转换参数",
        "This reference system needs parameters",
        "请先转为 CGCS2000",
        "Convert to CGCS2000 first",
    ),
    "crs-contradicted": Problem(422, "坐标与所称坐标系不符", "The coordinates contradict the reference system"),
    "unsupported-file": Problem(422, "无法读取此文件", "This file cannot be read"),
    "unknown-field": Problem(422, "文件里没有这个字段", "The file has no such field"),
    "invalid-question": Problem(
        400, "查询参数有误", "A parameter of this question is wrong", "改正所指的参数", "Mend the parameter named"
    ),
    "area-name-invalid": Problem(
        422,
        "名称不可用",
        "This cannot be the name of an area",
        "请重新键入名称，勿从别处粘贴",
        "Type the name anew instead of pasting it",
    ),
    "publication-refused": Problem(
        422, "此区域不能发布", "This area cannot be published", "在数据中改正该区域", "Mend the area named"
    ),
    "base-superseded": Problem(
        409,
        "所依据的版本已被新版取代",
        "Another edition came into force since",
        "请在现行版本上重做",
        "Draw it anew over the edition in force",
    ),
    "set-time-refused": Problem(
        422,
        "此时间不能发布",
        "Nothing can be published at this time",
        "请改为一年内的将来时间",
        "Set a time in the next year",
    ),
    "planner-not-in-charge": Problem(
        403,
        "计划人已无权改划此区域",
        "Whoever planned it may not redraw this area any more",
        "请由现任的地理信息人员重新计划",
        "Let somebody of today's GIS staff plan it anew",
    ),
    "plan-broken": Problem(
        422,
        "此计划无法读取或发布时出错",
        "The plan cannot be read, or publishing broke on it",
        "请重新计划；仍不行请把原因告知管理员",
        "Plan it anew; where that fails too, tell an administrator the reason",
    ),
    "unknown-edition": Problem(404, "没有这一版", "There is no such edition", "请核对版本号", "Check the number"),
    "no-such-area": Problem(404, "没有这个区域", "There is no such area", "请核对编码", "Check the code"),
    "no-such-plan": Problem(
        404, "没有待发布的这一计划", "No such plan waits", "可能已发布或撤回", "It was published or withdrawn perhaps"
    ),
    "broken-coverage": Problem(
        422,
        "网格之间有重叠或缝隙",
        "The grids overlap or gape",
        "在列出的位置改正边界",
        "Mend the borders at the places named",
    ),
}
