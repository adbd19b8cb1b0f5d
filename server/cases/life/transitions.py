"""The table of steps: from which state to which, who may take them, what must be given, which clocks they move.

The one place where this is said. Code, API, pages, ``docs/case.md`` and tests are derived from it. Pure.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from server.cases.life.declared import BEFORE, Clocks, Stage, Step, Transition, Who, Words
from sync.collections.issues import CLOSED_STATES, STATES

HANDLED: Final = ("received", "in_progress", "extended", "reworked")
"""A body works on it."""
WITH_BODY: Final = ("dispatched", *HANDLED, "suspended", "done", "checked")
AFTER: Final = ("after", "both")
"""Photo rules of categories that want to see what was done."""
ANY_PHOTO: Final = ("report", *AFTER)
"""Photo rules of categories whose places can be seen: what contradicts a report of them is shown, not told."""
OPEN: Final = tuple(state for state in STATES if state not in CLOSED_STATES)

STATE_WORDS: Final[Mapping[str, Words]] = MappingProxyType({
    "reported": Words("已上报", "reported"),
    "accepted": Words("已受理", "accepted"),
    "refused": Words("不予受理", "refused"),
    "merged": Words("已并单", "merged"),
    "settled": Words("已自处置", "settled on the spot"),
    "verified": Words("已核实", "verified"),
    "filed": Words("已立案", "filed"),
    "dispatched": Words("已派遣", "dispatched"),
    "received": Words("已签收", "received"),
    "returned": Words("已退单", "returned"),
    "in_progress": Words("处置中", "in progress"),
    "extended": Words("已延期", "extended"),
    "suspended": Words("已挂账", "suspended"),
    "done": Words("已反馈", "done"),
    "checked": Words("已核查", "checked"),
    "reworked": Words("返工中", "sent back"),
    "closed": Words("已结案", "closed"),
    "void": Words("已作废", "void"),
})  # fmt: skip

CLOSING_REASONS: Final = MappingProxyType({
    "fixed": Words("已解决", "fixed"),
    "explained": Words("已解释", "explained"),
    "out_of_scope": Words("超出职责", "out of scope"),
    "long_term": Words("长期推进", "long-term"),
})  # fmt: skip
REFUSING_REASONS: Final = MappingProxyType({
    "out_of_scope": Words("不属受理范围", "out of scope"),
    "not_found": Words("现场未发现", "not found at the place"),
    "unclear": Words("信息不清", "unclear"),
    "elsewhere": Words("已由其他渠道办理", "handled elsewhere"),
})  # fmt: skip
RETURNING_REASONS: Final = MappingProxyType({
    "not_ours": Words("不属本单位职责", "not this body's duty"),
    "wrong_place": Words("位置有误", "the place is wrong"),
    "not_found": Words("现场未发现", "not found at the place"),
    "wrong_category": Words("类别有误", "the category is wrong"),
    "handled": Words("已办理", "handled already"),
})  # fmt: skip
_VERIFIED: Final = MappingProxyType({
    "exists": Words("存在", "it exists"),
    "not_found": Words("不存在", "it does not"),
    "cannot_tell": Words("无法判断", "cannot tell"),
})  # fmt: skip
_CHECKED: Final = MappingProxyType({
    "fixed": Words("已解决", "it is fixed"),
    "not_fixed": Words("未解决", "it is not"),
    "cannot_tell": Words("无法判断", "cannot tell"),
})  # fmt: skip

STEPS: Final[Mapping[str, Step]] = MappingProxyType({
    each.name: each
    for each in (
        Step("report", Words("上报", "report")),
        Step("accept", Words("受理", "accept")),
        Step("refuse", Words("不予受理", "refuse"), {"reason": REFUSING_REASONS}),
        Step("merge", Words("并单", "merge")),
        Step("unmerge", Words("撤销并单", "undo the merge")),
        Step("settle", Words("自处置", "settle on the spot")),
        Step("verify", Words("核实", "verify"), {"result": _VERIFIED}),
        Step("file", Words("立案", "file")),
        Step("dispatch", Words("派遣", "dispatch")),
        Step("receive", Words("签收", "sign for"), event="received"),
        Step("return", Words("退单", "return"), {"reason": RETURNING_REASONS}, event="returned"),
        Step("start", Words("开始处置", "start"), event="started"),
        Step("done", Words("反馈", "report done"), event="done"),
        Step("ask_extension", Words("申请延期", "ask for an extension"), event="extension_asked"),
        Step("grant_extension", Words("批准延期", "grant the extension"), event="extended"),
        Step("refuse_extension", Words("不批准延期", "refuse the extension"), event="extension_refused"),
        Step("suspend", Words("挂账", "suspend"), event="suspended"),
        Step("resume", Words("恢复办理", "resume"), event="resumed"),
        Step("check", Words("核查", "check"), {"result": _CHECKED}, event="checked"),
        Step("rework", Words("返工", "send back"), event="reworked"),
        Step("close", Words("结案", "close"), {"reason": CLOSING_REASONS}, event="closed"),
        Step("rate", Words("评价", "rate"), event="rated"),
        Step("reopen", Words("重新办理", "reopen"), event="reopened"),
        Step("escalate", Words("上呈", "escalate"), event="escalated"),
        Step("void", Words("作废", "void"), event="voided"),
        Step("whistle", Words("吹哨", "whistle")),
        Step("assist_done", Words("协办完成", "assistance done"), event="assisted"),
        Step("score", Words("评分", "score"), event="scored"),
    )
})  # fmt: skip

_C = Who.COMMUNITY
_D = Who.DISPATCHER
_S = Stage

TRANSITIONS: Final[tuple[Transition, ...]] = (
    Transition("report", (), "reported", (Who.SYSTEM,), may=(),
               clocks=Clocks(stops=(_S.REPORTING,), starts=(_S.ACCEPTANCE,))),
    Transition("accept", ("reported",), "accepted", (_C, Who.SYSTEM),
               clocks=Clocks(stops=(_S.ACCEPTANCE,), starts=(_S.VERIFICATION, _S.FILING))),
    Transition("refuse", ("reported", "accepted", "verified"), "refused", (_C,), needs=("reason", "answer"),
               clocks=Clocks(stops=(_S.ACCEPTANCE, _S.VERIFICATION, _S.FILING))),
    Transition("merge", ("reported", "accepted", "verified", "filed"), "merged", (_C,), needs=("of",),
               guards=("other-case", "other-open"),
               clocks=Clocks(stops=(_S.ACCEPTANCE, _S.VERIFICATION, _S.FILING, _S.DISPATCH))),
    Transition("unmerge", ("merged",), BEFORE, (_C,),
               clocks=Clocks(resumes=(_S.ACCEPTANCE, _S.VERIFICATION, _S.FILING, _S.DISPATCH))),
    Transition("settle", ("reported", "accepted"), "settled", (Who.FIELD, _C), needs=("answer",),
               may=("note", "photos", "location"), photos_for=AFTER,
               clocks=Clocks(stops=(_S.ACCEPTANCE, _S.VERIFICATION, _S.FILING))),
    Transition("verify", ("accepted",), "verified", (Who.VERIFIER,), needs=("result", "photos", "location"),
               when={"result": ("exists",)}, guards=("not-involved", "at-night-if-needed"),
               clocks=Clocks(stops=(_S.VERIFICATION,))),
    Transition("verify", ("accepted",), None, (Who.VERIFIER,), needs=("result",), may=("note", "photos", "location"),
               when={"result": ("not_found", "cannot_tell")}, guards=("not-involved", "at-night-if-needed")),
    Transition("file", ("accepted", "verified"), "filed", (_D, Who.SYSTEM), may=("note", "condition"),
               guards=("verified-if-needed",), clocks=Clocks(stops=(_S.FILING,), starts=(_S.DISPATCH,))),
    Transition("dispatch", ("filed", "returned"), "dispatched", (_D, Who.SYSTEM), needs=("bodies",),
               may=("note", "limit"), guards=("street-after-two-returns",),
               clocks=Clocks(stops=(_S.DISPATCH,), starts=(_S.RECEIPT, _S.HANDLING))),
    Transition("dispatch", ("dispatched", *HANDLED, "suspended"), "dispatched", (_D, Who.SYSTEM),
               needs=("bodies", "reason"), may=("note", "limit"), guards=("another-body",), seen=True,
               clocks=Clocks(stops=(_S.RECEIPT, _S.HANDLING), starts=(_S.RECEIPT, _S.HANDLING))),
    Transition("receive", ("dispatched",), "received", (Who.LEAD,), clocks=Clocks(stops=(_S.RECEIPT,))),
    Transition("return", ("received",), "returned", (Who.LEAD,), needs=("reason", "note"), may=("photos",),
               photos_for=ANY_PHOTO, clocks=Clocks(stops=(_S.HANDLING,), starts=(_S.DISPATCH,))),
    Transition("start", ("received", "reworked"), "in_progress", (Who.LEAD,)),
    Transition("done", HANDLED, "done", (Who.LEAD,), needs=("answer",), may=("note", "photos", "location"),
               photos_for=AFTER, clocks=Clocks(stops=(_S.HANDLING,), starts=(_S.CHECK,))),
    Transition("ask_extension", HANDLED, None, (Who.LEAD,), needs=("reason", "limit"), may=("note", "photos"),
               guards=("asked-once", "before-deadline")),
    Transition("grant_extension", HANDLED, "extended", (_D,), may=("note", "limit"), guards=("asked",)),
    Transition("refuse_extension", HANDLED, None, (_D,), needs=("reason",), guards=("asked",)),
    Transition("suspend", HANDLED, "suspended", (_D,), needs=("reason", "review_on"), guards=("review-to-come",),
               clocks=Clocks(pauses=(_S.HANDLING,))),
    Transition("resume", ("suspended",), BEFORE, (_D, Who.LEAD, Who.SYSTEM), clocks=Clocks(resumes=(_S.HANDLING,))),
    Transition("check", ("done",), "checked", (Who.CHECKER,), needs=("result", "photos", "location"),
               when={"result": ("fixed", "not_fixed")}, guards=("not-involved", "at-night-if-needed"),
               clocks=Clocks(stops=(_S.CHECK,), starts=(_S.CLOSING,))),
    Transition("check", ("done",), None, (Who.CHECKER,), needs=("result",), may=("note", "photos", "location"),
               when={"result": ("cannot_tell",)}, guards=("not-involved",)),
    Transition("rework", ("done", "checked"), "reworked", (_D,), needs=("reason",),
               clocks=Clocks(stops=(_S.CHECK, _S.CLOSING), resumes=(_S.HANDLING,))),
    Transition("close", ("checked",), "closed", (_D, Who.SYSTEM), needs=("reason",), may=("note", "answer"),
               when={"reason": ("fixed",)}, guards=("checked-fixed", "answered", "whistle-scored"),
               clocks=Clocks(stops=(_S.CLOSING,))),
    Transition("close", ("done", "checked"), "closed", (_D,), needs=("reason",), may=("note", "answer"),
               when={"reason": ("explained", "out_of_scope", "long_term")}, guards=("answered", "whistle-scored"),
               clocks=Clocks(stops=(_S.CHECK, _S.CLOSING))),
    Transition("rate", ("closed",), None, (Who.REPORTER,), needs=("score",), guards=("within-15-days", "rated-once")),
    Transition("reopen", ("closed",), "reworked", (Who.REPORTER, _C), needs=("reason",), may=("note", "photos"),
               guards=("within-15-days",), clocks=Clocks(resumes=(_S.HANDLING,))),
    Transition("escalate", OPEN, None, (_C, Who.STREET, Who.LEAD), needs=("reason",)),
    Transition("escalate", OPEN, None, (Who.SYSTEM,), needs=("reason",), may=("overdue",)),
    Transition("void", OPEN, "void", (Who.CHIEF,), needs=("reason",), clocks=Clocks(stops=tuple(Stage)[1:])),
    Transition("whistle", ("filed", "returned"), "dispatched", (Who.STREET,), needs=("bodies",),
               may=("note", "limit"), guards=("somebody-assists",),
               clocks=Clocks(stops=(_S.DISPATCH,), starts=(_S.RECEIPT, _S.HANDLING))),
    Transition("whistle", ("dispatched", *HANDLED), None, (Who.STREET,), needs=("bodies",), may=("note", "limit"),
               guards=("somebody-assists", "same-lead"), clocks=Clocks(starts=(_S.HANDLING,))),
    Transition("assist_done", WITH_BODY, None, (Who.ASSISTANT,), needs=("answer",),
               may=("note", "photos", "location"), guards=("assists-still",), clocks=Clocks(stops=(_S.HANDLING,))),
    Transition("score", WITH_BODY, None, (Who.STREET,), needs=("body", "score"),
               guards=("whistle-open", "body-finished")),
)  # fmt: skip


def of_step(step: str) -> tuple[Transition, ...]:
    """Return the rows of one step; none for a word that is no step."""
    return tuple(each for each in TRANSITIONS if each.step == step)


def as_json() -> list[dict[str, object]]:
    """Return the whole table as it is sent."""
    return [_row(each) for each in TRANSITIONS]


def event_of(step: str) -> str:
    """Return what bodies' systems hear a step called; empty: they hear of it by a decision, or not at all."""
    return STEPS[step].event


def of_bodies(step: str) -> bool:
    """Return whether a step is taken by bodies alone: the one that takes it need not be told."""
    who = {each for row in of_step(step) for each in row.who}
    return who <= {Who.LEAD, Who.ASSISTANT}


def _row(each: Transition) -> dict[str, object]:
    step = STEPS[each.step]
    clocks = each.clocks
    return {
        "step": each.step,
        **step.words.as_json(),
        "from": list(each.froms),
        "to": each.to,
        "who": [who.value.as_json() | {"code": who.name.lower()} for who in each.who],
        "needs": list(each.needs),
        "may": list(each.may),
        "photos_for": list(each.photos_for),
        "event": step.event,
        "choices": _choices(each),
        "guards": list(each.guards),
        "clocks": {
            deed: [stage.name.lower() for stage in stages]
            for deed, stages in (
                ("starts", clocks.starts), ("stops", clocks.stops), ("pauses", clocks.pauses),
                ("resumes", clocks.resumes),
            )
        },
    }  # fmt: skip


def _choices(each: Transition) -> dict[str, list[dict[str, object]]]:
    """Return the choices of a row: those that it holds for."""
    return {
        name: [choice for choice in choices if choice["value"] in each.when.get(name, (choice["value"],))]
        for name, choices in STEPS[each.step].choices_json().items()
    }
