"""What the engine says to people about one operation, in Chinese and English.

Owns the catalogue of reasons for quarantine and holding, and the translation of validation messages.
A reason is data (code, faults); words are chosen when the receipt is made.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

Lang = Literal["zh", "en"]
UNREADABLE = "operation-invalid"

REASONS: Mapping[str, tuple[str, str]] = {
    "fields-invalid": (
        "有字段不符合要求，请改正后由管理员放行",
        "Some fields are not right; mend them and have it released",
    ),
    "text-unclean": (
        "文字中含有不可见的控制字符、方向控制符或残缺的字符，请改正后由管理员放行",
        "A text holds control characters, direction overrides or half a character; mend it and have it released",
    ),
    "operation-too-large": (
        "此操作太大，只作保存，未予读取；请拆小后重做",
        "This operation is too large to be looked into: it is kept; do it again in smaller ones",
    ),
    "operation-invalid": ("操作格式不对", "The operation is not of the right shape"),
    "collection-unknown": ("没有这个记录类型", "No such collection"),
    "action-not-allowed": ("设备不能对此类记录做此操作", "A device may not do this to this collection"),
    "field-not-allowed": ("设备不能改此字段", "A device may not write this field"),
    "category-unknown": ("没有这个事件类别", "No such category"),
    "outside-city": ("位置在本市之外，请核对坐标和坐标系", "The place lies outside the city: check position and datum"),
    "outside-your-areas": ("采集时您不负责该网格", "You were not assigned to this grid when it was captured"),
    "record-outside-your-areas": ("该记录不在您负责的网格内", "This record is not in your areas"),
    "household-outside-your-areas": (
        "所填住户不在您负责的网格内，请核对住户",
        "The household named is not in your areas: check which household was visited",
    ),
    "record-of-another": (
        "这是他人的记录，手机上只能补报自己的",
        "This is another person's record: a phone only adds its own",
    ),
    "step-sent": (
        "这一步已发送过，不能再改；需要时请另做一步",
        "This step was sent before and is not changed: take another one where needed",
    ),
    "not-assigned-now": (
        "您目前没有网格职务，只能补报任职期间的新记录",
        "You hold no field role today: only new records of the time when you did may still be handed in",
    ),
    "record-private": (
        "这是涉及隐私的事件，只有上报人和承办任务的人能改",
        "This issue is private: only its reporter and whoever has a task on it may change it",
    ),
    "stays-private": (
        "涉及隐私的事件不能在手机上转为公开，请由督办员或派遣员处理",
        "A private issue cannot be made public from a phone: ask a supervisor or dispatcher",
    ),
    "becomes-public": (
        "涉及隐私的事件会因此公开，须由督办员或派遣员确认",
        "A private issue would become public by this: a supervisor or dispatcher has to confirm it",
    ),
    "case-dispatched": (
        "此事件已派遣给承办单位，不能删除，请由派遣员撤回或作废",
        "A body has been given this case: it cannot be deleted; ask a dispatcher to withdraw it",
    ),
    "case-received": (
        "承办单位已签收此事件，只能补充说明、照片、标签，或提高紧急程度",
        "The body has received this case: only words, photos and tags may be added, and its severity raised",
    ),
    "case-closed": (
        "此事件已办结，不能再改；如有新情况请另行上报",
        "This case is closed: report what is new as a new issue",
    ),
    "beyond-ruling": (
        "记录所在或将要移到的地方不在放行人的职责范围内",
        "Where the record lies, or would lie, is beyond the duty of whoever lets this go on",
    ),
    "mended-elsewhere": (
        "放行时只能改正内容，不能换成另一条记录、另一类记录或另一操作",
        "A release mends what was entered: it may not become another record, collection or action",
    ),
    "captured-too-old": ("采集时间过早，请核对手机时钟", "captured_at is too long ago: check the clock of the phone"),
    "captured-in-future": (
        "采集时间在未来，请核对手机时钟",
        "captured_at is in the future: check the clock of the phone",
    ),
    "op-id-reused": (
        "同一 op_id 已用于另一内容，请用新的 op_id",
        "This op_id was used with other content: take a new one",
    ),
    "device-revoked": ("设备已停用，内容已留存待审", "The device was revoked; this is kept for a person to look at"),
    "base-unknown": ("所依据的版本尚未到达，先行保留", "It waits for the operation or revision that it builds on"),
    "record-crowded": (
        "同一记录的并行修改过多，请由管理员合并处理",
        "Too many changes of this one record: a person must decide what becomes of this one",
    ),
    "base-quarantined": ("所依据的操作被隔离，先行保留", "It waits for an operation that is in quarantine"),
}

# Patterns of marshmallow's English messages, and the rules of our own checks.
_RULES: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), zh, en)
    for pattern, zh, en in (
        (r"Missing data for required field\.", "必填", "is required"),
        (r"Field may not be null\.", "不能为空", "may not be null"),
        (
            r"Unknown field\.",
            "没有这个字段；附加内容请放入 extra",
            "is not a field here; put free additions under extra",
        ),
        (r"Not a valid (?:string|text)\.", "应为文字", "must be text"),
        (r"Not a valid number\.", "应为数字", "must be a number"),
        (r"Not a valid integer\.", "应为整数", "must be a whole number"),
        (r"Not a valid boolean\.", "应为 true 或 false", "must be true or false"),
        (r"Not a valid UUID\.", "应为 UUID", "must be a UUID"),
        (r"Not a valid list\.", "应为列表", "must be a list"),
        (
            r"Not a valid (?:time|datetime|aware datetime)\.",
            "应为带时区的 RFC 3339 时间",
            "must be an RFC 3339 time with an offset",
        ),
        (r"Not a valid mapping type\.|Invalid input type\.", "应为对象", "must be an object"),
        (r"Must be one of: (?P<a>.*)\.", "应为其一：{a}", "must be one of: {a}"),
        (r"Longer than maximum length (?P<a>\d+)\.", "超过 {a} 的长度上限", "is longer than {a}"),
        (r"Shorter than minimum length (?P<a>\d+)\.", "短于 {a}", "is shorter than {a}"),
        (
            r"Length must be between (?P<a>\d+) and (?P<b>\d+)\.",
            "长度应在 {a} 与 {b} 之间",
            "must have a length between {a} and {b}",
        ),
        (r"Length must be (?P<a>\d+)\.", "长度应为 {a}", "must have a length of {a}"),
        (r"Special numeric values \(nan or infinity\) are not permitted\.", "应为有限的数", "must be a finite number"),
        (r"String does not match expected pattern\.", "格式不对", "is not of the right form"),
        (
            r"Must be greater than or equal to (?P<a>.+?) and less than or equal to (?P<b>.+?)\.",
            "应在 {a} 与 {b} 之间",
            "must lie between {a} and {b}",
        ),
        (r"Must be greater than or equal to (?P<a>.+?)\.", "应不小于 {a}", "must be at least {a}"),
        (r"Must be less than or equal to (?P<a>.+?)\.", "应不大于 {a}", "must be at most {a}"),
        (r"place-missing", "请给出位置、地址或住户", "say where: a location, an address or a household"),
        (r"extra-too-large", "附加内容超过 8 KiB 或层数过深", "is larger than 8 KiB or nested too deep"),
        (r"nested-too-deep", "层数超过 32", "is nested more than 32 levels deep"),
        (r"record-crowded", "此记录的修改已过多", "has been changed too often"),
        (r"too-many", "字段或列表的项过多", "holds too many fields or values"),
        (
            r"text-unclean",
            "含有控制字符、方向控制符或残缺的字符，请重新输入",
            "holds control characters, direction overrides or half a character; type it anew",
        ),
        (r"action-not-allowed|field-not-allowed|category-unknown", "不允许", "is not allowed"),
    )
)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one operation is quarantined or held: a code of :data:`REASONS`, and the fields at fault."""

    code: str
    faults: tuple[tuple[str, str], ...] = ()

    def as_json(self, lang: Lang) -> dict[str, Any]:
        """Return the problem document, without an HTTP status: the request itself succeeded."""
        zh, en = REASONS[self.code]
        document: dict[str, Any] = {"type": f"/problems/{self.code}", "title": zh if lang == "zh" else en}
        if self.faults:
            document["errors"] = [{"field": field, "message": words(rule, lang)} for field, rule in self.faults]
        return document


@lru_cache(4096)
def words(message: str, lang: Lang) -> str:
    """Return one validation message in the language asked; one that is not known is given as it is."""
    for pattern, zh, en in _RULES:
        if found := pattern.fullmatch(message):
            return (zh if lang == "zh" else en).format(**found.groupdict())
    # A rule that has no words of its own says what its reason says.
    return reason_title(message, lang)


def flatten(messages: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield (field path, message) from marshmallow's nested messages; list positions in brackets."""
    if isinstance(messages, Mapping):
        for key, below in messages.items():
            step = f"[{key}]" if isinstance(key, int) else (f".{key}" if path else str(key))
            yield from flatten(below, path if key == "_schema" else path + step)
    elif isinstance(messages, (list, tuple)):
        for message in messages:
            yield from flatten(message, path)
    else:
        yield path, str(messages)


def validation_words(messages: Any, lang: Lang) -> list[dict[str, str]]:
    """Return marshmallow's messages on a request as a list of field and words."""
    return [{"field": field, "message": _of_request(message, lang)} for field, message in flatten(messages)]


def _of_request(message: str, lang: Lang) -> str:
    """Return a message on a request, which has no ``extra`` as records have."""
    if message == "Unknown field.":
        return "没有这个字段，请去掉" if lang == "zh" else "is not a field here; leave it out"
    return words(message, lang)


def reason_title(code: str, lang: Lang) -> str:
    """Return what a reason's code says; a code that is not known as it is."""
    zh, en = REASONS.get(code, (code, code))
    return zh if lang == "zh" else en


def as_document(problem: object) -> dict[str, Any] | None:
    """Return a stored problem in the form that is read here, whatever stands in its row; None for none.

    What has no type is one of an operation that nobody can read, and faults of another form are left out.
    """
    if problem is None:
        return None
    if not isinstance(problem, Mapping) or not isinstance(problem.get("type"), str):
        return Reason(UNREADABLE).as_json("zh")
    told = dict(problem)
    if "errors" in told:
        listed = told["errors"] if isinstance(told["errors"], list) else []
        told["errors"] = [each for each in listed if isinstance(each, dict) and isinstance(each.get("message"), str)]
    return told


def retold(problem: object, lang: Lang) -> dict[str, Any] | None:
    """Return a stored problem in the language of whoever reads it now; a phone's language was chosen for the phone."""
    told = as_document(problem)
    if told is None:
        return None
    code = told["type"].rpartition("/")[2]
    if code in REASONS:
        told["title"] = reason_title(code, lang)
    if "errors" in told:
        told["errors"] = [each | {"message": _again(each["message"], lang)} for each in told["errors"]]
    return told


def _again(message: str, lang: Lang) -> str:
    for (zh_said, en_said), (_, zh, en) in zip(_SAID, _RULES, strict=True):
        if found := zh_said.fullmatch(message) or en_said.fullmatch(message):
            return (zh if lang == "zh" else en).format(**found.groupdict())
    return next((reason_title(code, lang) for code, said in REASONS.items() if message in said), message)


def _reading(template: str) -> re.Pattern[str]:
    """Return what finds the values in words that were made from a template."""
    return re.compile(re.sub(r"\\\{(\w)\\\}", r"(?P<\1>.+)", re.escape(template)))


_SAID = tuple((_reading(zh), _reading(en)) for _, zh, en in _RULES)
