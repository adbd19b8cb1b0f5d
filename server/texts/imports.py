"""What the errors of imports say, and their statuses: a part of the table in ``server.http.problems``.

Owns words alone: code -> status, title and advice in Chinese and English.
"""

from server.texts.redraw import Words

IMPORT_WORDS: dict[str, Words] = {
    "import-error": (400, "导入有误", "Something is wrong with this import", "", ""),
    "import-too-large": (
        413,
        "边界文件过大",
        "The boundary file is too large",
        "请按街道分成几个文件",
        "Divide it, as by street",
    ),
    "too-many-imports": (
        429,
        "您正在导入的文件过多",
        "You have as many imports under way as you may",
        "请等其中一个结束",
        "Wait until one has ended",
    ),
    "unknown-import": (
        404,
        "没有这次导入，或已过期",
        "No such import of yours; it may have expired",
        "请重新导入",
        "Send the file again",
    ),
    "import-not-looked-at": (
        409,
        "此次导入不能再执行",
        "This import cannot be taken",
        "请重新试读文件",
        "Send the file again to be looked at",
    ),
    "file-has-faults": (
        422,
        "文件有不能接受的错误，未导入",
        "The file has faults with which it is not taken",
        "请按报告逐处改正",
        "Mend each that the report marks",
    ),
    "import-given-up": (
        500,
        "多次读取此文件都未能完成",
        "Reading this file failed again and again",
        "请分成几个文件再试",
        "Divide it and try again",
    ),
}
