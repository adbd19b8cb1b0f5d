"""What is said of the faults of a catalogue, in Chinese and English: by sheet, row and column. Pure.

Owns the words alone. Rows are numbered as a person counts them in the workbook: the heading is the first.
"""

from typing import Any, Final

from server.cases.catalogues.entries import BAN, CODE_FIELD, CONDITION, OWN, Fault

SHEETS: Final = {
    "categories": ("类别", "categories"),
    "conditions": ("立案条件", "conditions"),
    "bans": ("禁报", "bans"),
    "file": ("文件", "file"),
}
_FIELDS: Final = {
    "categories": (CODE_FIELD, *OWN),
    "conditions": (CODE_FIELD, *CONDITION),
    "bans": (CODE_FIELD, *BAN),
    "file": (),
}
WORDS: Final = {
    "required": ("必填", "It must be said"),
    "too-long": ("文字过长", "The text is too long"),
    "not-text": ("应为文字", "This is no text"),
    "unclean": ("含有不可见的字符，请重新输入", "It holds characters that cannot be seen: type it anew"),
    "not-a-number": ("应为整数", "This is no whole number"),
    "out-of-range": ("超出允许范围", "It is out of range"),
    "not-a-choice": ("不是可选的值", "This is none of the choices"),
    "wrong-shape": ("格式不对", "It has not the right form"),
    "unknown": ("没有这个编码", "There is no such code"),
    "no-first-level": ("没有所属的大类", "Its first level is missing"),
    "first-level": (
        "大类没有立案条件，请写在小类上",
        "A first level has no filing conditions",
    ),
    "lead-assists": ("主管单位不能同时协办", "The body itself cannot assist"),
    "not-whole": ("两项须同时填写或同时空着", "Both of the pair must be said, or neither"),
    "twice": ("重复", "It is there twice"),
    "too-many": ("过多", "There are too many"),
    "past": ("不能从过去的时间起更改", "The past cannot be changed"),
    "formula": ("不接受公式，请改为数值", "A formula is not taken: write its value"),
    "not-a-workbook": ("不是可读的 XLSX 文件", "This is no XLSX that can be read"),
    "too-large": ("文件过大", "The file is too large"),
    "no-sheet": ("缺少“类别”工作表", "There is no sheet of categories"),
    "no-column": ("缺少此列", "This column is missing"),
    "unknown-column": ("不认识此列", "This column is not known"),
    "nothing": ("没有任何类别", "It has no categories"),
}


def told(fault: Fault) -> dict[str, Any]:
    """Return a fault as people read it, and programs."""
    zh, en = WORDS[fault.reason]
    return {
        "part": fault.part,
        "sheet": " ".join(SHEETS[fault.part]),
        "row": fault.row,
        "field": fault.field,
        "column": heading(fault.part, fault.field),
        "reason": fault.reason,
        "zh": zh,
        "en": en,
        "value": fault.value,
    }


def heading(part: str, name: str) -> str:
    """Return the heading of a field's column, or what was given where it is none."""
    return next((f"{each.zh} {each.en}" for each in _FIELDS[part] if each.name == name), name)
