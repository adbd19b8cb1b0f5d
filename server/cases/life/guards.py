"""What must be so, beside state and right, for a step: each by a name, with what it says when it is not. Pure.

Owns these conditions; the table names them. Must not know the database.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from server.cases.calendars.calendar import SHANGHAI
from server.cases.life.declared import Who, Words
from server.cases.life.persons import Actor, CaseNow, is_party, may

NIGHT_FROM, NIGHT_TO = 19, 6
"""From and until which hour (Asia/Shanghai) it is night."""
ANSWER_FOR: Final = dt.timedelta(days=15)
"""How long after its end a case can be rated and reopened."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A step that somebody wants to take on a case. ``at``: when it was done (aware UTC), which is no later than now.

    ``given``: its fields as the life of a case knows them: bodies by organisation id. ``other``: the case named by
    ``of``, None where there is no such case for this person.
    """

    actor: Actor
    at: dt.datetime
    given: Mapping[str, Any]
    other: CaseNow | None = None


Guard = Callable[[CaseNow, Asked], bool]


def _at_night_if_needed(case: CaseNow, asked: Asked) -> bool:
    hour = asked.at.astimezone(SHANGHAI).hour
    return not case.is_night or hour >= NIGHT_FROM or hour < NIGHT_TO


def _street_after_two_returns(case: CaseNow, asked: Asked) -> bool:
    return case.story.returns < 2 or may(Who.STREET, asked.actor, case)  # noqa: PLR2004  # the second return


def _another_body(case: CaseNow, asked: Asked) -> bool:
    return (asked.given.get("bodies") or {}).get("lead") != case.story.body_id


def _other_case(case: CaseNow, asked: Asked) -> bool:
    return str(asked.given.get("of")) != str(case.id)


def _other_open(case: CaseNow, asked: Asked) -> bool:
    other = asked.other
    return other is not None and not other.story.is_closed and not other.is_deleted and other.story.of != case.id


def _before_deadline(case: CaseNow, asked: Asked) -> bool:
    return case.due_at is None or asked.at <= case.due_at


def _review_to_come(_case: CaseNow, asked: Asked) -> bool:
    on = asked.given.get("review_on")
    return on is None or dt.date.fromisoformat(str(on)) > asked.at.astimezone(SHANGHAI).date()


def _within_15_days(case: CaseNow, asked: Asked) -> bool:
    return case.story.closed_at is not None and asked.at - case.story.closed_at <= ANSWER_FOR


def _somebody_assists(_case: CaseNow, asked: Asked) -> bool:
    bodies = asked.given.get("bodies") or {}
    assisting = bodies.get("assisting") or ()
    return bool(assisting) and bodies.get("lead") not in assisting


def _assists_still(case: CaseNow, asked: Asked) -> bool:
    return not (asked.actor.bodies & set(case.story.assisting)) <= case.story.assisted


def _body_finished(case: CaseNow, asked: Asked) -> bool:
    body = asked.given.get("body")
    whistle = case.story.whistle
    if whistle is None or body not in whistle.unscored:
        return False
    return case.story.state in ("done", "checked") if body == case.story.body_id else body in case.story.assisted


def _whistle_scored(case: CaseNow, _asked: Asked) -> bool:
    return case.story.whistle is None or not case.story.whistle.unscored


def _verified_if_needed(case: CaseNow, _asked: Asked) -> bool:
    return case.story.source != "resident" or case.story.state == "verified"


GUARDS: Final[Mapping[str, tuple[Guard, Words]]] = MappingProxyType({
    "not-involved": (
        lambda case, asked: not is_party(asked.actor, case),
        Words("上报人和处置单位的人不得核实、核查", "whoever reported or handles it verifies and checks nothing of it"),
    ),
    "at-night-if-needed": (
        _at_night_if_needed, Words("夜间问题须夜间查看", "a fault of the night is looked at by night")
    ),
    "other-case": (_other_case, Words("不能并入自身", "a case cannot be merged into itself")),
    "other-open": (
        _other_open,
        Words("所并入的案件须存在、未结且未并入他案", "the other case must be there, open, and merged into none"),
    ),
    "verified-if-needed": (
        _verified_if_needed, Words("居民上报须先核实", "what a resident reported must be verified first")
    ),
    "street-after-two-returns": (
        _street_after_two_returns, Words("两次退单后由街道指定单位", "after two returns the street names the body")
    ),
    "another-body": (_another_body, Words("已由该单位承办", "that body has it already")),
    "asked-once": (
        lambda case, _asked: not case.story.extensions_asked,
        Words("延期只能申请一次", "an extension can be asked for once"),
    ),
    "before-deadline": (
        _before_deadline, Words("延期须在期限前申请", "an extension must be asked for before the deadline")
    ),
    "asked": (lambda case, _asked: case.story.asked is not None, Words("没有待批的延期申请", "no extension was asked")),
    "review-to-come": (_review_to_come, Words("复查日期须在今天之后", "the day of review must be after today")),
    "checked-fixed": (
        lambda case, _asked: case.story.checked == "fixed",
        Words("核查结果须为已解决", "the check must have found it fixed"),
    ),
    "answered": (
        lambda case, asked: bool(asked.given.get("answer") or case.story.answer),
        Words("结案须有答复", "it cannot be closed without an answer"),
    ),
    "whistle-scored": (
        _whistle_scored, Words("吹哨须先对各单位评分", "each body that was whistled for must be scored first")
    ),
    "within-15-days": (_within_15_days, Words("结案已超过 15 天", "it ended more than 15 days ago")),
    "rated-once": (lambda case, _asked: not case.story.rated, Words("已评价", "it was rated already")),
    "somebody-assists": (
        _somebody_assists, Words("须一家主办、至少一家协办", "one body leads and at least one other assists")
    ),
    "same-lead": (
        lambda case, asked: not _another_body(case, asked),
        Words("主办单位须与现有一致", "the body that leads must stay"),
    ),
    "assists-still": (_assists_still, Words("已反馈协办完成", "that assistance was reported done")),
    "whistle-open": (
        lambda case, _asked: not _whistle_scored(case, _asked), Words("没有未评分的吹哨", "no whistle waits for scores")
    ),
    "body-finished": (
        _body_finished, Words("该单位尚未完成或已评分", "that body has not finished, or was scored")
    ),
})  # fmt: skip
OF_WHAT_IS_GIVEN: Final = frozenset(
    {"other-case", "other-open", "another-body", "review-to-come", "answered", "somebody-assists", "same-lead",
     "body-finished"}
)  # fmt: skip
"""Those that depend on the fields of the step: a step they guard counts as possible before it is filled in."""
