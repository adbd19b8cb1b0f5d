"""What the errors of redraws and drafts say, and their statuses: a part of the table in ``server.http.problems``.

Owns words alone: code -> status, title and advice in Chinese and English.
"""

from collections.abc import Mapping

Words = tuple[int, str, str, str, str]

REDRAW_WORDS: Mapping[str, Words] = {
    "redraw-refused": (422, "不能这样改划", "This redraw cannot be done", "按所示原因改正", "Mend what is named"),
    "redraw-unknown-area": (422, "没有这个区域", "There is no such area", "请核对编码", "Check the code"),
    "redraw-code-taken": (422, "此编码已被使用", "Another area has this code", "请换一个编码", "Take another code"),
    "cannot-divide": (
        422,
        "不能这样划分",
        "The ground cannot be divided like that",
        "减少份数；由几块组成的区域先拆开（见 reason）",
        "Ask for fewer areas; take ground in several parts one by one (see reason)",
    ),
    "line-does-not-cross": (
        422,
        "线没有把区域分开",
        "The line leaves the area in one piece",
        "从边界画到边界",
        "Draw it from border to border",
    ),
    "line-ends-inside": (
        422,
        "线的端点停在区域内",
        "The line ends inside the area",
        "把该端延长到边界",
        "Draw that end to the border",
    ),
    "line-crosses-twice": (
        422,
        "线穿过区域不止一次",
        "The line crosses the area more than once",
        "每次只穿过一次",
        "Draw it through once",
    ),
    "line-along-border": (
        422,
        "线沿着边界走",
        "The line runs along a border",
        "在该处离开边界",
        "Lead it away from the border there",
    ),
    "line-crosses-itself": (
        422,
        "线与自身相交",
        "The line crosses or touches itself",
        "在该处改画",
        "Draw it anew there",
    ),
    "areas-not-adjacent": (
        422,
        "区域之间没有共同边界",
        "The areas share no border",
        "选择相邻的区域",
        "Choose neighbours",
    ),
    "area-falls-apart": (
        422,
        "区域会分成几块",
        "The area would fall apart",
        "改画，使该处仍相连",
        "Draw it so that this part stays joined",
    ),
    "area-vanishes": (
        422,
        "区域会消失",
        "Nothing would be left of the area",
        "若要撤销，请用撤销操作",
        "To give it up, retire it",
    ),
    "drawn-over-another": (
        422,
        "画到了别的区域上",
        "It is drawn over another area",
        "在该处沿现有边界画",
        "Follow the border there",
    ),
    "ground-held-twice": (
        422,
        "该处有两个区域重叠",
        "Two areas hold this ground",
        "请先改画其中一个",
        "Draw one of them anew first",
    ),
    "draft-error": (400, "草案有误", "Something is wrong with this draft", "", ""),
    "area-not-yours": (
        403,
        "此区域不在您的改划范围内",
        "You are not GIS staff of this area",
        "请联系管理员",
        "Ask an administrator",
    ),
    "unknown-draft": (404, "没有这个草案", "There is no such draft", "", ""),
    "draft-needs-version": (
        428,
        "请说明改的是哪一版",
        "Say which version you change",
        "请带上 If-Match 与草案的 ETag",
        "Send If-Match with the draft's ETag",
    ),
    "draft-changed": (
        412,
        "草案已被他人改动",
        "The draft has changed meanwhile",
        "请重新读取后再改",
        "Read it again, then change it",
    ),
    "draft-published": (
        409,
        "草案已发布，不能再改",
        "The draft was published and does not change any more",
        "请新建草案",
        "Begin another draft",
    ),
    "draft-planned": (
        409,
        "草案已定时发布，不能再改",
        "The draft waits for its set time and does not change",
        "请先撤回计划",
        "Withdraw the plan first",
    ),
    "nothing-to-undo": (409, "没有可撤销的操作", "There is nothing to undo", "", ""),
    "nothing-to-redo": (409, "没有可重做的操作", "There is nothing to redo", "", ""),
    "nothing-to-publish": (409, "草案没有任何改动", "The draft changes nothing", "", ""),
    "operation-refused": (
        422,
        "操作的字段有误",
        "A field of this operation is not right",
        "改正所指的字段",
        "Mend the field named",
    ),
    "draft-base-superseded": (
        409,
        "草案所依据的版本已被取代",
        "A newer edition is in force than the one this draft is over",
        "请先变基，并处理列出的冲突",
        "Rebase it first, and settle the conflicts named",
    ),
    "draft-conflicts": (
        409,
        "有操作与新版本冲突",
        "Some operations do not fit on the newer edition",
        "请处理列出的操作，或选择舍去它们",
        "Settle the operations named, or have them left out",
    ),
    "gate-closed": (
        409,
        "区域未通过检查，不能发布",
        "These areas do not pass the gate",
        "在列出的位置改正",
        "Mend the places named",
    ),
}
