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

REASONS: Mapping[str, tuple[str, str]] = {
    "fields-invalid": (
        "有字段不符合要求，请改正后由管理员放行",
        "Some fields are not right; mend them and have it released",
    ),
    "operation-invalid": ("操作格式不对", "The operation is not of the right shape"),
    "collection-unknown": ("没有这个集合", "No such collection"),
    "action-not-allowed": ("设备不能对此集合做此操作", "A device may not do this to this collection"),
    "field-not-allowed": ("设备不能改此字段", "A device may not write this field"),
    "category-unknown": ("没有这个事件类别", "No such category"),
    "outside-city": ("位置在本市之外，请核对坐标和坐标系", "The place lies outside the city: check position and datum"),
    "outside-your-areas": ("采集时您不负责该网格", "You were not assigned to this grid when it was captured"),
    "record-outside-your-areas": ("该记录不在您负责的网格内", "This record is not in your areas"),
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
        (r"String does not match expected pattern\.", "格式不对", "is not of the right form"),
        (
            r"Must be greater than or equal to (?P<a>\S+) and less than or equal to (?P<b>\S+)\.",
            "应在 {a} 与 {b} 之间",
            "must lie between {a} and {b}",
        ),
        (r"place-missing", "请给出位置、地址或住户", "say where: a location, an address or a household"),
        (r"extra-too-large", "附加内容超过 8 KiB 或层数过深", "is larger than 8 KiB or nested too deep"),
        (r"nested-too-deep", "层数超过 32", "is nested more than 32 levels deep"),
        (r"too-many", "字段或列表的项过多", "holds too many fields or values"),
        (r"control-character", "含有不可存储的字符 NUL", "holds the character NUL, which cannot be stored"),
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
    return message


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
    """Return marshmallow's messages as a list of field and words."""
    return [{"field": field, "message": words(message, lang)} for field, message in flatten(messages)]


def reason_title(code: str, lang: Lang) -> str:
    """Return what a reason's code says; a code that is not known as it is."""
    zh, en = REASONS.get(code, (code, code))
    return zh if lang == "zh" else en


def retold(problem: dict[str, Any] | None, lang: Lang) -> dict[str, Any] | None:
    """Return a stored problem in the language of whoever reads it now; a phone's language was chosen for the phone."""
    if problem is None:
        return None
    told = dict(problem)
    code = str(problem.get("type", "")).rpartition("/")[2]
    if code in REASONS:
        told["title"] = reason_title(code, lang)
    if "errors" in problem:
        told["errors"] = [each | {"message": _again(each["message"], lang)} for each in problem["errors"]]
    return told


def _again(message: str, lang: Lang) -> str:
    for (zh_said, en_said), (_, zh, en) in zip(_SAID, _RULES, strict=True):
        if found := zh_said.fullmatch(message) or en_said.fullmatch(message):
            return (zh if lang == "zh" else en).format(**found.groupdict())
    return message


def _reading(template: str) -> re.Pattern[str]:
    """Return what finds the values in words that were made from a template."""
    return re.compile(re.sub(r"\\\{(\w)\\\}", r"(?P<\1>.+)", re.escape(template)))


_SAID = tuple((_reading(zh), _reading(en)) for _, zh, en in _RULES)
