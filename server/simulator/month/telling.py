"""What a month is told as: the counts of it, and one case of each kind with its time line and clocks."""

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.cases.calendars.calendar import SHANGHAI
from server.simulator.month.month import Lived
from server.simulator.month.reaching import Staff

_HAS = "EXISTS (SELECT FROM case_step WHERE issue_id = issue.id AND step = '{}')"
_NOT = "NOT " + _HAS
_PRIVATE = "(private OR (SELECT is_private FROM category WHERE code = issue.category))"
KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "自处置 settled on the spot": ("state = 'settled'", "by phone"),
    "普通案件 a plain case of a body": (
        f"state = 'closed' AND NOT {_PRIVATE} AND "
        + " AND ".join(_NOT.format(each) for each in ("return", "rework", "suspend", "whistle", "reopen", "merge")),
        "",
    ),
    "吹哨 a whistle with assistants": (f"state = 'closed' AND {_HAS.format('whistle')}", ""),
    "隐私 a private one": (f"state = 'closed' AND {_PRIVATE}", ""),
    "并单 a merged duplicate": (f"state = 'merged' AND NOT {_PRIVATE}", ""),
    "两次退单到街道 returned twice, to the street": (
        "(SELECT count(*) FROM case_step WHERE issue_id = issue.id AND step = 'return') >= 2 AND state = 'closed'", ""
    ),
    "挂账 suspended and resumed": (f"state = 'closed' AND {_HAS.format('suspend')} AND {_HAS.format('resume')}", ""),
    "重新办理 reopened": (f"state = 'closed' AND {_HAS.format('reopen')}", ""),
    "延期 with an extension": (f"state = 'closed' AND {_HAS.format('grant_extension')}", ""),
}  # fmt: skip
_MOST_TOLD: Final = 30
_NOT_TOLD: Final = ("photos", "location", "since", "source", "rule")


def one_of_each(session: Session) -> dict[str, uuid.UUID | None]:
    """Return a case of each kind, of a typical number of steps; None where the month had none."""
    found = {}
    for kind, (condition, _) in KINDS.items():
        chosen = text(f"""
            SELECT id FROM issue WHERE {condition}
            ORDER BY (SELECT count(*) FROM case_step WHERE issue_id = issue.id), number LIMIT 1
            OFFSET (SELECT count(*) / 2 FROM issue WHERE {condition})
        """)  # noqa: S608  # constants of this module
        found[kind] = session.scalar(chosen)
    return found


def timelines(session: Session, who: Staff) -> Iterator[str]:
    """Yield the lines of one case of each kind, as the API tells it."""
    for kind, issue_id in one_of_each(session).items():
        yield ""
        yield f"### {kind}"
        if issue_id is None:
            yield "没有 · none this month"
        else:
            yield from _timeline(who.ask(f"/v1/cases/{issue_id}"))


def _timeline(told: Mapping[str, Any]) -> Iterator[str]:
    grid = told["grid_name"] or "-"
    yield f"{told['number']}  {told['category']} {told['category_zh']} {told['category_en']}  {grid}"
    yield f"{'（隐私）' if told['private'] else ''}{told['description']}"
    if told["merged_into"]:
        yield f"→ 并入 merged into {told['merged_into']}"
    for each in told["timeline"]:
        by = each["by"]["name"] or {"rule": "规则 rule", "sweeper": "时钟 clock"}.get(each["source"], each["source"])
        body = f"  [{each['by']['body']['name']}]" if each["by"]["body"] else ""
        late = f"（离线，{_local(each['taken_at'])} 到 arrived）" if each["offline"] else ""
        step = f"{each['zh']} {each['step']} → {each['state']}"
        yield f"  {_local(each['at'])}  {step}  {by}{body}{late}{_given(each['given'])}"
    yield "  时钟 clocks:"
    for each in told["clocks"]:
        yield f"    {_clock(each)}"


def _given(given: Mapping[str, Any]) -> str:
    shown = {
        name: value for name, value in given.items() if name not in ("photos", "location", "since", "source", "rule")
    }
    if isinstance(limit := shown.get("limit"), Mapping):
        shown["limit"] = f"{limit['value']} {limit['unit']}"
    if isinstance(bodies := shown.get("bodies"), Mapping):
        shown["bodies"] = "+".join([bodies["lead"], *bodies["assisting"]])
    return "".join(f"  {name}={value}" for name, value in shown.items())


def _clock(clock: Mapping[str, Any]) -> str:
    body = f" [{clock['body']['name']}]" if clock["body"] else ""
    due = f"应于 due {_local(clock['due_at'])}" if clock["due_at"] else "无限期 no limit"
    ended = f"，{_local(clock['ended_at'])} {clock['state']}" if clock["ended_at"] else f"，{clock['state']}"
    judged = {True: "，按时 in time", False: "，超时 late", None: ""}[clock["in_time"]]
    still = "".join(
        f"，停 still {_local(each['since'])}-{_local(each['until'])} ({each['why']})" for each in clock["paused"]
    )
    return f"{clock['zh']} {clock['stage']}{body}：{_local(clock['since'])} 起，{due}{ended}{judged}{still}"


def _local(moment: str | None) -> str:
    if moment is None:
        return "…"
    return f"{dt.datetime.fromisoformat(moment).astimezone(SHANGHAI):%m-%d %H:%M}"


def summary(lived: Lived) -> Iterator[str]:
    """Yield the lines of the counts."""
    plan, asked = lived.plan, lived.asked
    until = plan.begin + dt.timedelta(days=plan.days)
    ended = {state: lived.states.get(state, 0) for state in ("closed", "settled", "merged", "refused", "void")}
    left = {state: count for state, count in lived.states.items() if state not in ended}
    yield (
        f"{asked.cases} 件 cases, {asked.steps} 步 steps, {asked.clocks} 个时钟 clocks; "
        f"{plan.begin.astimezone(SHANGHAI):%Y-%m-%d} – {until.astimezone(SHANGHAI):%m-%d}, seed {plan.seed}; "
        f"{lived.seconds:.0f} s lived, {lived.asking_s:.0f} s asked"
    )
    yield f"  已结 ended {sum(ended.values())}: {_counts(ended)}   ({_counts(lived.reasons)})"
    yield f"  在办 open {sum(left.values())}: {_counts(left)}"
    yield f"  步骤 steps: {_counts(lived.steps)}"
    yield f"  来自手机 from phones: {_counts({str(name): count for name, count in lived.phoned.items()})}"
    yield f"  提醒与上呈 warnings (0) and levels: {_counts({str(name): count for name, count in lived.raised.items()})}"
    yield f"  未被接受 not taken: {_counts(lived.untaken)}"
    if lived.disagreements:
        yield from (f"✗ {each}" for each in lived.disagreements[:_MOST_TOLD])
        yield f"✗ 不一致 {len(lived.disagreements)} 处 · {len(lived.disagreements)} things do not hold"
    else:
        yield "✓ 案件、日志、上呈、时钟逐一相符 · every case, step, level and clock holds"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "-"
