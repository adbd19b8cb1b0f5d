"""What the engine says of one operation to those who decide over it: supervisors, dispatchers, administrators.

Owns their words. A worker is told what to mend on the phone; who decides is told what happened, whose doing it is and
which ways out there are. Names of fields, codes and formats of the protocol are nobody's words here. Must not know how
a reason is found.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sync.wording.reasons import Lang, retold

REASONS_TO_STAFF: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "fields-invalid": (
            "有几项内容不符合要求：请核对标出的各项，改好后放行",
            "Some entries are not right: check those marked, correct them and release",
        ),
        "text-unclean": (
            "文字里有看不见的控制字符或残缺的字：请重新输入标出的各项后放行",
            "A text holds invisible control characters or broken ones: type the entries marked anew, then release",
        ),
        "operation-too-large": (
            "手机发来的一项操作过大，只作保存：请不予采用，并告诉网格员重做",
            "The phone sent one operation that is too large: dismiss it, and tell the worker to do it again",
        ),
        "operation-invalid": (
            "手机发来的内容残缺，无法识别：能看出原意的，补全后放行；否则不予采用",
            "What the phone sent is not whole: complete it where its meaning is clear, else dismiss it",
        ),
        "collection-unknown": (
            "手机用了本系统没有的记录类型：能归入现有类型的，选定后放行；否则不予采用",
            "The phone used an unknown type of record: choose one that fits and release, or dismiss it",
        ),
        "action-not-allowed": (
            "手机不能对这类记录做此操作（如删除走访）：请不予采用，并把该怎么办写给网格员",
            "A phone may not do this to such records (as delete a visit): dismiss it, and write the worker why",
        ),
        "field-not-allowed": (
            "手机改了只由系统填写的内容：请去掉标出的各项后放行",
            "The phone wrote what only the system writes: take out the entries marked, then release",
        ),
        "category-unknown": (
            "事件类别不在目录中：请改选现行的类别后放行",
            "The category is not in the catalogue: choose one in force, then release",
        ),
        "outside-city": (
            "位置在本市之外，多半是坐标系选错或经纬度颠倒：请在图上核对位置后放行",
            "The place lies outside the city, most often by a wrong datum or swapped coordinates: check it on the map",
        ),
        "outside-your-areas": (
            "采集时，上报人不负责该位置所在的网格：位置有误的请改正；确属代班等情况的，可直接放行",
            "Its reporter did not work in this grid when it was captured: correct the place, or release it as it is",
        ),
        "record-outside-your-areas": (
            "上报人修改了不在其网格内的记录：确有其事的可放行，否则不予采用",
            "The worker changed a record that is not in their grids: release it where that is right, else dismiss it",
        ),
        "household-outside-your-areas": (
            "所填住户不在上报人的网格内：填错的请改正；确属代班等情况的，由负责该住户的人放行",
            "The household named is not in the worker's grids: correct it; whoever is in charge there may release it",
        ),
        "record-of-another": (
            "上报人修改了别人的记录：确有其事的可放行，否则不予采用",
            "The worker changed another person's record: release it where that is right, else dismiss it",
        ),
        "step-sent": (
            "案件的步骤一经发送不再更改：不予采用，由上报人另做一步",
            "A step of a case is not changed once it was sent: dismiss it, and let its author take another one",
        ),
        "not-assigned-now": (
            "上报人目前没有网格职务，却修改了已有记录：确属离岗前所做的可放行",
            "The worker holds no field role now, and changed what was there: release what was done before they left",
        ),
        "record-private": (
            "涉及隐私的事件，而上报人既不是原上报人，也没有承办任务：确需修改的可放行",
            "The issue is private, and the worker neither reported it nor has a task on it: release it where needed",
        ),
        "stays-private": (
            "上报人想把涉及隐私的事件转为公开：同意的放行，不同意的不予采用",
            "The worker wants to make a private issue public: release to agree, dismiss to refuse",
        ),
        "becomes-public": (
            "放行以后此事件才转为涉隐私：照此放行会使它公开，须另行确认",
            "The issue became private after this was let go on: as it is, it would be public again, which you confirm",
        ),
        "case-dispatched": (
            "上报人想删除已派遣的事件：请先撤回或作废派遣，或不予采用",
            "The worker wants to delete an issue that was dispatched: withdraw or void it first, or dismiss this",
        ),
        "case-received": (
            "承办单位已签收，上报人还想改动主要内容：同意的放行，不同意的不予采用",
            "The body has received the case, and the worker wants to change it: release to agree, dismiss to refuse",
        ),
        "case-closed": (
            "事件已办结，上报人还想改动：有新情况的，请网格员另行上报，此条不予采用",
            "The case is closed: dismiss this, and ask the worker to report what is new as a new issue",
        ),
        "beyond-ruling": (
            "记录所在或将要移到的地方不在您的职责范围内，请由负责该处的人放行",
            "Where the record lies, or would lie, is beyond your duty: somebody in charge there must release it",
        ),
        "mended-elsewhere": (
            "放行时只能改正内容，不能换成另一条记录、另一类型或另一操作",
            "A release corrects what was entered: it may not become another record, type or action",
        ),
        "captured-too-old": (
            "采集时间过早，多半是手机时钟不准：请按实际情况改正采集时间后放行",
            "It was captured too long ago, most often by a wrong clock: correct the time of capture, then release",
        ),
        "captured-in-future": (
            "采集时间在未来，手机时钟不准：请按实际情况改正采集时间后放行",
            "Its time of capture is in the future, the phone's clock is wrong: correct the time, then release",
        ),
        "op-id-reused": (
            "手机把同一编号用在了两份不同的内容上：请核对是否重复；不重复的放行",
            "The phone used one number for two contents: look whether it is there already, and release it if not",
        ),
        "device-revoked": (
            "手机停用之后才发来，先留存：是本人所做的放行，来历不明的不予采用",
            "It came after the phone was revoked: release it if it is the worker's own, else dismiss it",
        ),
        "base-unknown": (
            "在等它所依据的内容到达，到时自动处理",
            "It waits for what it builds on, and goes on by itself",
        ),
        "record-crowded": (
            "同一记录同时有太多改动，系统无法自动合并：请核对这一条是否还需要",
            "Too many changes of one record at once to be merged: decide whether this one is still needed",
        ),
        "base-quarantined": (
            "它所依据的内容还在隔离区：先处理那一条，它会自动继续",
            "What it builds on is in quarantine: settle that one, and this goes on by itself",
        ),
    }
)

# What of the words for phones speaks of formats: the Chinese words -> those for people.
_TO_STAFF: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "必填": ("没有填写", "is not filled in"),
        "不能为空": ("没有填写", "is not filled in"),
        "没有这个字段；附加内容请放入 extra": (
            "系统没有这一项，放行时请去掉",
            "is no entry here; leave it out",
        ),
        "应为 true 或 false": ("应为是或否", "must be yes or no"),
        "应为 UUID": ("应为系统的编号", "must be a number of the system's"),
        "应为带时区的 RFC 3339 时间": ("应为日期和时间", "must be a date and time"),
        "应为对象": ("内容残缺", "is not whole"),
        "应为列表": ("应为一项一项的内容", "must be a list"),
    }
)
_CHOICES = re.compile(r"应为其一：.*|must be one of: .*")
_NO_CHOICE: Final = ("不在可选的内容之中，请重新选择", "is none of the choices; choose again")


def retold_to_staff(problem: object, lang: Lang) -> dict[str, Any] | None:
    """Return a stored problem as those who decide over it read it; its type, which programs know it by, stays."""
    told = retold(problem, lang)
    if told is None:
        return None
    code = told["type"].rpartition("/")[2]
    if code in REASONS_TO_STAFF:
        told["title"] = title_to_staff(code, lang)
    if "errors" in told:
        chinese = retold(problem, "zh") or {}
        told["errors"] = [
            each | {"message": _message(each["message"], known["message"], lang)}
            for each, known in zip(told["errors"], chinese["errors"], strict=True)
        ]
    return told


def title_to_staff(code: str, lang: Lang) -> str:
    """Return what a reason's code says to who decides; a code that is not known as it is."""
    zh, en = REASONS_TO_STAFF.get(code, (code, code))
    return zh if lang == "zh" else en


def _message(message: str, in_chinese: str, lang: Lang) -> str:
    words = _NO_CHOICE if _CHOICES.fullmatch(in_chinese) else _TO_STAFF.get(in_chinese)
    if words is None:
        return message
    return words[0] if lang == "zh" else words[1]
