"""The work calendar over HTTP: looking before entering, who may enter for where, and what is refused."""

import datetime as dt

import pytest
from sqlalchemy import text
from sqlalchemy.orm import sessionmaker

from geo.editions.ground import load_ground
from server.cases.calendars import sheet, store
from server.cases.case import Policy
from server.cases.routing.service import route_awaiting
from server.commands import calendar as commands
from server.jobs.calendar import Recounting
from tests.api.staff import Desk
from tests.cases import city
from tests.cases.city import EAST, IN_EAST, WEST, report
from tests.cases.notices import notice

SINCE = dt.datetime(2026, 12, 30, 2, tzinfo=dt.UTC)
SOURCE = "国办发明电〔2026〕7号"


@pytest.fixture(autouse=True)
def _no_editions_left(session):
    yield
    session.rollback()
    city.clear(session)
    session.commit()


@pytest.fixture
def desk_of(app, session):
    return lambda role, area="360725": Desk.of(app, session, role, area)


@pytest.fixture
def sessions_of(session):
    return sessionmaker(session.get_bind())


@pytest.fixture
def cases(session):
    """One case in each grid, due on 7 January 2027."""
    ids = {WEST: report(session, "0303"), EAST: report(session, "0303", at=IN_EAST, grid=EAST)}
    session.execute(text("UPDATE issue SET captured_at = :at"), {"at": SINCE})
    route_awaiting(session, SINCE, load_ground(session, 1), policy=Policy(count_from="capture"))
    session.commit()
    return ids


def year(**more):
    days = [{"date": day.isoformat(), "kind": said.kind, "name": said.name} for day, said in notice().items()]
    extra = [{"date": "2027-01-04", "kind": "holiday", "name": "元旦调休"}]
    return {"year": 2027, "source": SOURCE, "days": days + extra, "dry_run": False} | more


def own(area, **more):
    return year(area=area, days=[{"date": "2027-01-05", "kind": "holiday", "name": "县庆"}]) | more


def test_a_look_says_what_would_move_and_keeps_nothing(desk_of, cases, session):
    desk = desk_of("admin")
    before = desk.get("/v1/calendars").json
    looked = desk.post("/v1/calendars/years", year(dry_run=True)).json
    assert (looked["edition"], looked["dry_run"], looked["moved"]) == (None, True, 2)
    assert {each["issue_id"] for each in looked["moves"]} == {str(each) for each in cases.values()}
    assert {(each["was_due_at"], each["due_at"]) for each in looked["moves"]} == {
        ("2027-01-07T09:30:00+00:00", "2027-01-08T09:30:00+00:00")
    }
    assert desk.get("/v1/calendars").json == before
    assert desk.get("/v1/calendars/2027").json["status"] == "provisional"


def test_what_is_entered_moves_what_the_look_said_and_is_on_record(desk_of, cases, session, sessions_of):
    desk = desk_of("admin")
    looked = desk.post("/v1/calendars/years", year(dry_run=True)).json
    entered = desk.post("/v1/calendars/years", year()).json
    assert entered["moves"] == looked["moves"]
    Recounting(sessions_of.begin, lambda: SINCE).run_for(dt.timedelta(hours=1))
    moved = desk.get(f"/v1/calendars/editions/{entered['edition']}/moves").json
    assert moved == {"moved": 2, "moves": entered["moves"]}
    [line] = [each for each in desk.get(f"/v1/issues/{cases[WEST]}").json["history"] if each["action"] == "recount"]
    assert line["moved"] == {
        "from": "2027-01-07T09:30:00Z",
        "to": "2027-01-08T09:30:00Z",
        "calendar_edition": entered["edition"],
        "why": SOURCE,
    }
    newest = desk.get("/v1/calendars").json["editions"][0]
    assert (newest["number"], newest["source"], newest["entered_by"], newest["entered_by_way"]) == (
        entered["edition"], SOURCE, desk.login, "page",
    )  # fmt: skip
    # Entered again, nothing more moves.
    assert desk.post("/v1/calendars/years", year()).json["moved"] == 0


def test_an_issue_says_that_its_deadline_is_provisional(desk_of, cases):
    told = desk_of("admin").get(f"/v1/issues/{cases[WEST]}").json
    assert told["routing"]["calendar"]["provisional"] == [2027]
    assert "calendar-provisional" in {each["code"] for each in told["routing"]["reasons"]}


def test_a_year_is_shown_as_it_is_counted_and_its_csv_can_be_entered(desk_of):
    desk = desk_of("admin")
    shown = desk.get("/v1/calendars/2027").json
    assert shown["status"] == "provisional"
    assert "not announced" in shown["note_en"]
    assert {"date": "2027-02-06", "kind": "holiday", "name": "春节"} in shown["days"]
    assert shown["hours"][0]["week"]["1"] == ["08:30-12:00", "14:00-17:30"]
    file = desk.get("/v1/calendars/2027/csv")
    assert file.content_type == "text/csv; charset=utf-8"
    sent = {"year": 2027, "source": SOURCE, "csv": file.get_data(as_text=True), "dry_run": False, "follows": 0}
    assert desk.post("/v1/calendars/years", sent).status_code == 200
    again = desk.get("/v1/calendars/2027").json
    assert (again["status"], again["days"], again["note_en"]) == ("announced", shown["days"], None)
    assert sheet.read(desk.get("/v1/calendars/2027/csv").data) == sheet.read(file.data)


def test_an_admin_enters_for_their_own_area_and_the_city_s_is_the_root_s(desk_of, cases):
    west, root = desk_of("admin", WEST), desk_of("admin")
    assert west.post("/v1/calendars/years", own(WEST)).json["moved"] == 1
    for area in (EAST, "360725", None, "nowhere"):
        sent = own(area) if area else year()
        for path, body in (("years", sent), ("withdrawals", {**_withdrawal(), "area": area})):
            answer = west.post(f"/v1/calendars/{path}", body)
            assert (answer.status_code, answer.json["type"]) == (404, "/problems/outside-charge")
    assert root.post("/v1/calendars/years", own(EAST)).status_code == 200
    assert west.get("/v1/calendars/2027", area=WEST).json["own_edition"] > 0
    assert west.get("/v1/calendars/2027").json["own_edition"] == 0


def _withdrawal(**more):
    return {"year": 2027, "source": "更正", "dry_run": False} | more


@pytest.mark.parametrize("role", ["supervisor", "dispatcher", "gis", "auditor"])
def test_other_roles_read_the_calendar_and_enter_nothing(desk_of, role):
    desk = desk_of(role)
    assert desk.get("/v1/calendars/2027").status_code == 200
    assert desk.post("/v1/calendars/years", year()).json["type"] == "/problems/role-missing"


def test_other_hours_say_what_they_move(desk_of, cases):
    desk = desk_of("admin")
    week = {str(weekday): ["09:00-12:00", "13:00-18:00"] for weekday in range(1, 6)}
    sent = {"valid_from": "2027-01-01", "week": week, "source": "冬季作息", "dry_run": False}
    answer = desk.post("/v1/calendars/hours", sent).json
    assert {each["due_at"] for each in answer["moves"]} == {"2027-01-07T10:00:00+00:00"}
    assert [each["from"] for each in desk.get("/v1/calendars/2027").json["hours"]] == ["2027-01-01"]


def test_what_is_withdrawn_is_provisional_again_and_stays_on_record(desk_of):
    desk = desk_of("admin")
    first = desk.post("/v1/calendars/years", year()).json["edition"]
    assert desk.post("/v1/calendars/withdrawals", _withdrawal(follows=first)).status_code == 200
    assert desk.get("/v1/calendars/2027").json["status"] == "provisional"
    assert [each["withdrawn"] for each in desk.get("/v1/calendars").json["editions"][:2]] == [True, False]


def test_who_has_not_seen_what_another_entered_is_told(desk_of):
    one, other = desk_of("admin"), desk_of("admin")
    assert one.post("/v1/calendars/years", year(follows=0)).status_code == 200
    answer = other.post("/v1/calendars/years", year(follows=0))
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/calendar-superseded")


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("years", year(dry_run=None)),
        ("years", year(days=None)),
        ("years", year(csv="date,kind,name")),
        ("years", year(year=1999)),
        ("years", year(year="2027")),
        ("years", year(year=2028)),
        ("years", year(status="perhaps")),
        ("years", year(source="")),
        ("years", year(days=[{"date": "2027-02-30", "kind": "holiday", "name": "x"}])),
        ("years", year(days=[{"date": "2027-01-01", "kind": "holiday", "name": "=x"}])),
        ("years", year(days=[{"date": "2027-01-01", "kind": "holiday", "name": "x"}] * 2)),
        ("years", year(days=[{"date": "2027-01-05", "kind": "workday", "name": "x"}])),
        ("years", year(area="nowhere")),
        ("years", {"year": 2027, "source": "x", "dry_run": True, "csv": "date,kind,name\n2027-01-01,never,x"}),
        ("years", []),
        ("hours", {"valid_from": "2027-01-01", "week": {}, "source": "x", "dry_run": True}),
        ("hours", {"valid_from": "2027-01-01", "week": {"8": ["08:00-12:00"]}, "source": "x", "dry_run": True}),
        ("hours", {"valid_from": "2027-01-01", "week": {"1": ["12:00-08:00"]}, "source": "x", "dry_run": True}),
        ("hours", {"valid_from": "2027-01-01", "week": {"1": ["08:00-12:00", "11:00-13:00"]}, "source": "x",
                   "dry_run": True}),
        ("hours", {"valid_from": "0001-01-01", "week": {"1": ["08:00-12:00"]}, "source": "x", "dry_run": True}),
        ("withdrawals", {"source": "x", "dry_run": True}),
        ("withdrawals", {"source": "x", "dry_run": True, "year": 2027, "valid_from": "2027-01-01"}),
    ],
)  # fmt: skip
def test_what_is_not_right_is_refused_with_the_field_and_keeps_nothing(desk_of, path, sent):
    desk = desk_of("admin")
    before = desk.get("/v1/calendars").json
    answer = desk.post(f"/v1/calendars/{path}", sent)
    assert answer.status_code == 422, answer.text
    assert answer.json["title"]
    assert desk.get("/v1/calendars").json == before


def test_a_line_at_fault_is_named_in_both_languages(desk_of):
    sent = {"year": 2027, "source": "x", "dry_run": True, "csv": "date,kind,name\n2027-01-01,never,x\n"}
    [fault] = desk_of("admin").post("/v1/calendars/years", sent).json["faults"]
    assert (fault["line"], fault["reason"]) == (2, "kind")
    assert fault["zh"]
    assert fault["en"]


@pytest.mark.parametrize("path", ["1999", "99999/csv", "editions/99999/moves"])
def test_what_there_is_not_is_not_found(desk_of, path):
    answer = desk_of("admin").get(f"/v1/calendars/{path}")
    assert (answer.status_code, answer.json["type"]) == (404, "/problems/unknown-calendar")


@pytest.fixture
def on_this_city(app, sync_url, monkeypatch):
    settings = app.config["PATROL"]
    monkeypatch.setenv("DATABASE_URL", sync_url)
    monkeypatch.setenv("REDIS_URL", settings.redis_url)
    monkeypatch.setenv("PATROL_SECRET_KEY", settings.secret_key)


@pytest.mark.usefixtures("on_this_city", "cases")
def test_the_commands_export_look_and_import(capsys, tmp_path, session):
    assert commands.calendar_export(year=2027) == 0
    file = tmp_path / "2027.csv"
    file.write_text(capsys.readouterr().out + "2027-01-04,holiday,元旦调休\n")
    before = store.newest(session)
    session.rollback()
    assert commands.calendar_import(file=str(file), source=SOURCE, dry_run=True) == 0
    assert "将改变 would move: 2" in capsys.readouterr().out
    assert store.newest(session) == before
    session.rollback()
    assert commands.calendar_import(file=str(file), source=SOURCE) == 0
    assert "2027-01-07 17:30 → 2027-01-08 17:30" in capsys.readouterr().out
    assert commands.calendar_show(year=2027) == 0
    shown = capsys.readouterr().out
    assert "已公布 announced" in shown
    assert "2027-01-04 休 off" in shown


@pytest.mark.usefixtures("on_this_city")
def test_the_command_names_each_line_at_fault_in_both_languages(capsys, tmp_path):
    file = tmp_path / "bad.csv"
    file.write_text("date,kind,name\n2027-01-01,never,x\n2027-02-30,holiday,x\n")
    assert commands.calendar_import(file=str(file)) == 1
    told = capsys.readouterr().err
    assert "第 2 行 line 2" in told
    assert "第 3 行 line 3" in told
    file.write_text("date,kind,name\n2027-01-01,holiday,x\n")
    assert commands.calendar_import(file=str(file)) == 1
    assert "2027-02-05" in capsys.readouterr().err
    assert commands.calendar_import(file=str(file), area="nowhere") == 1
    assert "area" in capsys.readouterr().err


def test_the_years_are_listed_with_those_that_may_still_change(desk_of):
    told = {each["year"]: each for each in desk_of("auditor").get("/v1/calendars/years").json["years"]}
    assert told[2026]["status"] == "announced"
    assert (told[2026]["free"], told[2026]["worked"]) > (10, 1)
    assert told[max(told)]["status"] == "provisional"
    assert told[max(told)]["worked"] == 0
