"""The reasons of a routing decision, in the words that workers, bodies and supervisors read. Pure.

Owns the wording in Chinese and English, and the stable code of each reason. Must not choose anything.
"""

from datetime import datetime

from server.cases.calendars.calendar import SHANGHAI, Limit
from server.cases.case import AreaName, Body, Place, Reason, Rule, Terms

UNITS = {
    "min": ("分钟", "minutes"),
    "h": ("小时", "hours"),
    "wh": ("工作小时", "working hours"),
    "wd": ("个工作日", "working days"),
    "d": ("天", "days"),
}
SEVERITIES = {"low": ("轻微", "low"), "normal": ("一般", "normal"), "urgent": ("紧急", "urgent")}
HOURS = {"working": ("工作时间", "in working hours"), "off": ("非工作时间", "outside working hours")}
SOURCES = {"worker": ("网格员", "grid workers"), "resident": ("居民", "residents"), "staff": ("工作人员", "staff")}


def of_rule(rule: Rule, body: Body, category: Terms | None, area: AreaName | None) -> list[Reason]:
    """Say which rule decided, and each thing that it names."""
    said = [Reason("rule", f"按规则“{rule.label}”交由{body.zh}办理", f"Rule “{rule.label}” gives it to {body.en}")]
    if category is not None:
        said.append(
            Reason(
                "category-rule",
                f"该规则适用于类别 {category.code} {category.zh}",
                f"The rule is for category {category.code} {category.en}",
            )
        )
    if area is not None:
        said.append(
            Reason(
                "area",
                f"事发地在该规则适用的{area.name}（{area.code}）之内",
                f"It lies in {area.name} ({area.code}), for which the rule is made",
            )
        )
    if rule.severity is not None:
        zh, en = SEVERITIES[rule.severity]
        said.append(Reason("severity", f"该规则适用于{zh}事件", f"The rule is for issues of severity {en}"))
    if rule.hours != "any":
        zh, en = HOURS[rule.hours]
        said.append(Reason("hours", f"该规则在{zh}适用", f"The rule holds {en}"))
    if rule.source is not None:
        zh, en = SOURCES[rule.source]
        said.append(Reason("source", f"该规则适用于{zh}上报的事件", f"The rule is for reports by {en}"))
    return said


def category_default(terms: Terms, body: Body) -> Reason:
    """Say that the catalogue decided, as no rule speaks of the case."""
    return Reason(
        "category-default",
        f"没有专门规则，按类别 {terms.code} {terms.zh}的主管单位交由{body.zh}办理",
        f"No rule speaks of it: {body.en} handles category {terms.code} {terms.en}",
    )


def default_desk(category: str, desk: Body) -> Reason:
    """Say that nobody is named for the case, so that the county's desk must find a body."""
    return Reason(
        "default-desk",
        f"类别 {category} 既无规则也无主管单位，交由{desk.zh}派遣",
        f"Neither a rule nor the catalogue names a body for category {category}: {desk.en} must dispatch it",
    )


def by_hand(body: Body) -> Reason:
    """Say that a person gave it to a body."""
    return Reason("by-hand", f"由派遣人员交{body.zh}办理", f"A dispatcher gave it to {body.en}")


def kept_by_people(body: Body) -> Reason:
    """Say that a case stays with its body, since people have it in hand."""
    return Reason(
        "kept-by-people",
        f"已由人员经办，规则不再改派，仍由{body.zh}办理",
        f"People have it in hand, so that no rule moves it: it stays with {body.en}",
    )


def deadline(limit: Limit, since: datetime, due_at: datetime) -> Reason:
    """Say how long the body has, and from when."""
    zh, en = limit_words(limit)
    return Reason(
        "deadline",
        f"时限{zh}，自{_moment_zh(since)}起算，{_moment_zh(due_at)}到期",
        f"{en} from {_moment_en(since)}: due {_moment_en(due_at)}",
    )


def deadline_kept(limit: Limit | None, since: datetime, due_at: datetime | None) -> Reason:
    """Say that the deadline stands, because body and limit are what they were."""
    if limit is None or due_at is None:
        return no_limit()
    zh, en = limit_words(limit)
    return Reason(
        "deadline-kept",
        f"承办单位和时限未变，时限{zh}仍自{_moment_zh(since)}起算，{_moment_zh(due_at)}到期",
        f"Same body and limit: {en} from {_moment_en(since)} still, due {_moment_en(due_at)}",
    )


def no_limit() -> Reason:
    """Say that nothing sets a limit."""
    return Reason("no-limit", "规则和类别都没有规定时限", "Neither rule nor category sets a limit")


def calendar_provisional(years: tuple[int, ...]) -> Reason:
    """Say that the deadline rests on a calendar that is not announced yet."""
    zh, en = "、".join(map(str, years)), ", ".join(map(str, years))
    return Reason(
        "calendar-provisional",
        f"暂定：{zh}年的放假调休安排尚未公布，先按法定节假日计算，公布后重新计算",
        f"Provisional: the holidays of {en} are not announced; the statutory ones count until they are",
    )


def deadline_moved(was: datetime, due_at: datetime, edition: int, source: str) -> Reason:
    """Say that another edition of the calendar moved the deadline, and what that edition goes back to."""
    return Reason(
        "deadline-moved",
        f"工作日历第 {edition} 版（{source}）改变了到期时间：由{_moment_zh(was)}改为{_moment_zh(due_at)}",
        f"Edition {edition} of the work calendar ({source}) moved it from {_moment_en(was)} to {_moment_en(due_at)}",
    )


def of_place(place: Place, border_m: float) -> list[Reason]:
    """Say on which ground it was decided, and what is doubtful about the place."""
    return [_ground(place), *_border(place, border_m)]


def _ground(place: Place) -> Reason:
    edition_zh = "" if place.edition is None else f"（边界第 {place.edition} 版）"
    edition_en = "" if place.edition is None else f" (edition {place.edition})"
    if place.grid is None:
        zh, en = _off_grid(place)
        return Reason(
            "outside" if place.how else "no-position",
            f"{zh}，按全市规则分派{edition_zh}",
            f"{en}: city-wide rules apply{edition_en}",
        )
    named = f"{place.grid.name}（{place.grid.code}）", f"{place.grid.name} ({place.grid.code})"
    if place.how == "near":
        metres = round(place.distance_m or 0)
        return Reason(
            "near",
            f"不在任何网格之内，归最近的{named[0]}，相距 {metres} 米{edition_zh}",
            f"In no grid; the nearest is {named[1]}, {metres} m away{edition_en}",
        )
    return Reason("grid", f"位于{named[0]}{edition_zh}", f"It lies in {named[1]}{edition_en}")


def _off_grid(place: Place) -> tuple[str, str]:
    if place.how is None:
        return "没有坐标", "It has no position"
    return "不在任何网格之内", "It lies in no grid"


def _border(place: Place, border_m: float) -> list[Reason]:
    """Say how near the border is, if it is near enough to matter."""
    if place.grid is None or place.margin_m is None or place.margin_m > border_m:
        return []
    metres = f"{place.margin_m:.1f}"
    if place.neighbour is None:
        return [Reason("border", f"距网格边界 {metres} 米", f"{metres} m from the border of its grid")]
    other = place.neighbour
    return [
        Reason(
            "border",
            f"距网格边界 {metres} 米，另一侧是{other.name}（{other.code}）",
            f"{metres} m from the border; on its other side lies {other.name} ({other.code})",
        )
    ]


def limit_words(limit: Limit) -> tuple[str, str]:
    """Return a limit in Chinese and in English."""
    zh, en = UNITS[limit.unit]
    return f" {limit.value} {zh}", f"{limit.value} {en if limit.value != 1 else en.removesuffix('s')}"


def _moment_zh(moment: datetime) -> str:
    local = moment.astimezone(SHANGHAI)
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}"


def _moment_en(moment: datetime) -> str:
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
