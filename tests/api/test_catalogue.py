"""The catalogue over HTTP: public, edited by administrators of the city, as a workbook with a look beforehand."""

import datetime as dt
import io

import openpyxl
import pytest
from sqlalchemy import text

from server.cases.catalogue import load_catalogue
from server.cases.catalogues.editions import settle_due
from server.cases.catalogues.workbook import MEDIA_TYPE
from server.commands import catalogue as commands
from tests.api.staff import Desk
from tests.cases.city import WEST
from tests.emptying import empty

SOON = "2099-01-01T00:00:00Z"
CONDITION = {"number": 1, "name_zh": "正在搭建", "name_en": "Being built", "limit_value": 4, "limit_unit": "wh"}


@pytest.fixture(autouse=True)
def _as_it_was(session):
    yield
    session.rollback()
    empty(session, "category_version, filing_condition, reporting_ban, rule")
    empty(session, "issue")
    session.execute(text("DELETE FROM category WHERE code = '0307'"))
    session.execute(text("UPDATE category SET is_active = true, valid_from = NULL"))
    load_catalogue(session, overwrite=True)
    session.execute(text("UPDATE category_version SET during = '(,)'"))
    session.commit()


@pytest.fixture
def desk_of(app, session):
    return lambda role="admin", place="360725": Desk.of(app, session, role, place)


def put(desk, code, **sent):
    return desk.client.put(f"/v1/catalogue/{code}", json=sent, headers={"X-CSRF-Token": desk.csrf})


def send(desk, content, **query):
    return desk.client.post(
        "/v1/catalogue/xlsx", data=content, query_string=query,
        headers={"X-CSRF-Token": desk.csrf, "Content-Type": MEDIA_TYPE},
    )  # fmt: skip


def set_private(book, code, value):
    """Write into the first sheet of a workbook whether a category is private."""
    sheet = book.worksheets[0]
    column = next(at for at, head in enumerate(sheet[1]) if "隐私" in str(head.value))
    next(row for row in sheet.iter_rows(min_row=2) if str(row[0].value) == code)[column].value = value


def category(desk, code, **query):
    return next(each for each in desk.get("/v1/catalogue", **query).json["categories"] if each["code"] == code)


def test_the_public_catalogue_tells_conditions_intake_and_what_is_not_taken(app, desk_of):
    desk = desk_of()
    ban = {"area": WEST, "hours": "22:00-06:00", "reason_zh": "夜间请拨 110", "reason_en": "At night call 110"}
    assert put(desk, "0302", bans=[ban], fields={"intake": "duty"}).status_code == 200
    told = {each["code"]: each for each in app.test_client().get("/v1/categories").json["categories"]}
    assert [each["limit"] for each in told["0405"]["conditions"]] == [
        {"value": 4, "unit": "wh"}, {"value": 7, "unit": "wd"}, {"value": 20, "unit": "wd"},
    ]  # fmt: skip
    lamp = told["0302"]
    assert (lamp["intake"], lamp["night"], lamp["gbt_code"]) == ("duty", True, None)
    assert lamp["not_reported"] == [
        {"area": WEST, "hours": "22:00-06:00", "zh": "夜间请拨 110", "en": "At night call 110"}
    ]


def test_the_catalogue_of_a_moment_is_the_one_that_held_then(app, desk_of):
    before = dt.datetime.now(dt.UTC).isoformat()
    desk = desk_of()
    put(desk, "0302", fields={"limit_value": 9})
    for at, value in ((before, 2), (None, 9)):
        query = {} if at is None else {"at": at}
        told = app.test_client().get("/v1/categories", query_string=query).json
        assert next(each for each in told["categories"] if each["code"] == "0302")["limit"]["value"] == value


def test_an_edit_says_what_it_changes_and_a_look_keeps_nothing(desk_of):
    desk = desk_of()
    for dry_run in (True, False):
        answer = put(desk, "0302", fields={"limit_value": 9}, conditions=[CONDITION], dry_run=dry_run)
        assert answer.status_code == 200, answer.text
        [change] = answer.json["changes"]
        assert (change["code"], change["kind"]) == ("0302", "changed")
        [limit, conditions] = change["fields"]
        assert limit == {"field": "limit_value", "zh": "处置时限", "en": "limit", "before": 2, "after": 9}
        assert (conditions["before"], conditions["after"][0]["limit_value"]) == ([], 4)
        assert category(desk, "0302")["fields"]["limit_value"] == (2 if dry_run else 9)


def test_a_planned_edit_waits_and_is_shown_as_planned(desk_of, session):
    desk = desk_of()
    assert put(desk, "0302", **{"from": SOON}, fields={"limit_value": 9}).status_code == 200
    now = category(desk, "0302")
    assert (now["fields"]["limit_value"], now["planned_from"]) == (2, SOON)
    assert category(desk, "0302", at=SOON)["fields"]["limit_value"] == 9
    versions = desk.get("/v1/catalogue/0302/versions").json["versions"]
    assert [(each["from"], each["fields"]["limit_value"], each["entered_by"]) for each in versions] == [
        (SOON, 9, desk.login), (None, 2, None),
    ]  # fmt: skip
    settle_due(session, dt.datetime(2099, 1, 2, tzinfo=dt.UTC))
    assert session.scalar(text("SELECT limit_value FROM category WHERE code = '0302'")) == 9


def test_a_category_is_made_and_is_taken_from_then_on(app, desk_of, phone_of):
    fresh = {"name_zh": "充电桩", "name_en": "Charger", "default_body": "zhujian", "limit_value": 3, "limit_unit": "wd"}
    assert put(desk_of(), "0307", fields=fresh).json["changes"][0]["kind"] == "new"
    phone = phone_of("west")
    assert [each["status"] for each in phone.push(phone.issue(category="0307"))] == ["applied"]


def test_a_phone_with_an_older_catalogue_is_understood(app, desk_of, phone_of):
    phone = phone_of("west")
    captured = dt.datetime.now(dt.UTC)
    said = put(desk_of(), "0302", fields={"is_active": False}).json
    assert said["changes"][0]["kind"] == "retired"
    before = phone.issue(category="0302")
    before["captured_at"] = captured.isoformat().replace("+00:00", "Z")
    assert [each["status"] for each in phone.push(before)] == ["applied"], "it was in force when it was captured"


def test_a_retirement_tells_the_open_cases_and_rules_that_it_leaves(desk_of, phone_of):
    phone, desk = phone_of("west"), desk_of()
    phone.push(phone.issue(category="0302"))
    desk.post("/v1/rules", {"label": "路灯归城管", "lead_body": "chengguan", "category": "0302"})
    told = put(desk, "0302", fields={"is_active": False}, dry_run=True).json
    assert told["retired"] == {"open_cases": 1, "rules": ["路灯归城管"]}


@pytest.mark.parametrize(
    ("field", "reason", "sent"),
    [
        ("limit_value", "out-of-range", {"fields": {"limit_value": 0}}),
        ("limit_unit", "not-a-choice", {"fields": {"limit_unit": "weeks"}}),
        ("colour", "unknown-column", {"fields": {"colour": "red"}}),
        ("default_body", "unknown", {"fields": {"default_body": "nobody"}}),
        ("name_zh", "not-text", {"fields": {"name_zh": ["x"]}}),
        ("number", "required", {"conditions": [{"name_zh": "x"}]}),
        ("area", "unknown", {"bans": [{"area": "000", "reason_zh": "x", "reason_en": "x"}]}),
        ("from", "past", {"from": "2020-01-01T00:00:00Z"}),
    ],
)
def test_what_is_wrong_is_told_by_field_and_refused(desk_of, field, reason, sent):
    desk = desk_of()
    answer = put(desk, "0302", **sent)
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/invalid-catalogue-file")
    assert (field, reason) in {(each["field"], each["reason"]) for each in answer.json["faults"]}
    looked = put(desk, "0302", dry_run=True, **sent)
    assert looked.status_code == 200
    assert looked.json["faults"] == answer.json["faults"]


@pytest.mark.long
def test_a_workbook_goes_out_is_edited_and_comes_in(desk_of):
    desk = desk_of()
    out = desk.get("/v1/catalogue/xlsx")
    assert (out.status_code, out.content_type) == (200, MEDIA_TYPE)
    assert "attachment" in out.headers["Content-Disposition"]
    book = openpyxl.load_workbook(io.BytesIO(out.data))
    sheet = book["类别"]
    limit = next(cell.column for cell in sheet[1] if str(cell.value).startswith("处置时限"))
    row = next(cell.row for cell in sheet["A"] if cell.value == "0302")
    sheet.cell(row, limit).value = 9
    changed = io.BytesIO()
    book.save(changed)
    looked = send(desk, changed.getvalue())
    assert (looked.json["dry_run"], looked.json["rows"], looked.json["faults"]) == (True, 70, [])
    assert [each["code"] for each in looked.json["changes"]] == ["0302"]
    assert category(desk, "0302")["fields"]["limit_value"] == 2
    assert send(desk, changed.getvalue(), dry_run="false").status_code == 200
    assert category(desk, "0302")["fields"]["limit_value"] == 9
    assert send(desk, changed.getvalue()).json["changes"] == []
    sheet.cell(row, limit).value = "=A1"
    spoilt = io.BytesIO()
    book.save(spoilt)
    refused = send(desk, spoilt.getvalue(), dry_run="false")
    assert refused.status_code == 422
    [fault] = refused.json["faults"]
    assert (fault["sheet"], fault["row"], fault["reason"]) == ("类别 categories", row, "formula")


def test_a_phone_hears_before_it_sends_that_a_category_is_not_reported_there(desk_of, phone_of):
    ban = {"area": WEST, "hours": "", "reason_zh": "请拨 110", "reason_en": "Call 110"}
    assert put(desk_of(), "0302", bans=[ban]).status_code == 200
    phone = phone_of("west")
    told = []
    for lon in (114.305, 114.315):
        asked = {"category": "0302", "location": {"lon": lon, "lat": 25.685}}
        told.append(phone.client.post("/v1/cases/duplicates", json=asked, headers=phone.headers).json["not_reported"])
    assert told == [[{"area": WEST, "hours": None, "zh": "请拨 110", "en": "Call 110"}], []]


@pytest.mark.long
def test_the_commands_write_and_take_the_workbook(app, desk_of, sync_url, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("DATABASE_URL", sync_url)
    monkeypatch.setenv("REDIS_URL", app.config["PATROL"].redis_url)
    monkeypatch.setenv("PATROL_SECRET_KEY", app.config["PATROL"].secret_key)
    file = tmp_path / "catalogue.xlsx"
    assert commands.catalogue_export(file=str(file)) == 0
    book = openpyxl.load_workbook(file)
    sheet = book["类别"]
    limit = next(cell.column for cell in sheet[1] if str(cell.value).startswith("处置时限"))
    row = next(cell.row for cell in sheet["A"] if cell.value == "0302")
    sheet.cell(row, limit).value = 9
    book.save(file)
    assert commands.catalogue_import(file=str(file), dry_run=True) == 0
    assert "处置时限 limit: 2 → 9" in capsys.readouterr().out
    assert category(desk_of(), "0302")["fields"]["limit_value"] == 2
    assert commands.catalogue_import(file=str(file)) == 0
    assert category(desk_of(), "0302")["fields"]["limit_value"] == 9
    sheet.cell(row, limit).value = "=1"
    book.save(file)
    assert commands.catalogue_import(file=str(file)) == 1
    assert f"第 {row} 行 row {row}" in capsys.readouterr().err


def test_what_is_no_workbook_is_told(desk_of):
    answer = send(desk_of(), b"code,zh")
    assert [each["reason"] for each in answer.json["faults"]] == ["not-a-workbook"]


def test_only_who_has_the_whole_city_edits(desk_of):
    answer = put(desk_of("admin", WEST), "0302", fields={"limit_value": 9})
    assert answer.json["type"] == "/problems/outside-charge"
    assert put(desk_of("dispatcher"), "0302", fields={}).json["type"] == "/problems/role-missing"
    assert desk_of("auditor").get("/v1/catalogue").status_code == 200


def test_the_versions_of_a_category_that_is_not_there_are_unknown(desk_of):
    assert desk_of().get("/v1/catalogue/9999/versions").json["type"] == "/problems/unknown-category"


def test_a_trial_over_http_says_what_would_have_gone_elsewhere(desk_of):
    told = desk_of("dispatcher").post(
        "/v1/rules/trial", {"rule": {"label": "x", "lead_body": "chengguan", "category": "0302"}, "days": 30}
    )
    assert told.status_code == 200, told.text
    assert (told.json["looked"], told.json["moves"], told.json["examples"]) == (0, [], [])


def test_a_category_with_private_cases_is_made_public_only_when_somebody_says_so(desk_of, phone_of, session):
    phone, desk = phone_of("west"), desk_of()
    phone.push(phone.issue(category="0601"), phone.issue(category="0601", private=True), phone.issue(category="0602"))
    public = {"is_private": False}
    look = put(desk, "0601", fields=public, dry_run=True)
    assert (look.status_code, look.json["made_public"]) == (200, {"categories": ["0601"], "cases": 1})
    refused = put(desk, "0601", fields=public)
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/cases-become-public")
    assert (refused.json["categories"], refused.json["cases"]) == (["0601"], 1)
    assert category(desk, "0601")["fields"]["is_private"] is True
    later = put(desk, "0602", fields=public, **{"from": SOON})
    assert later.json["type"] == "/problems/cases-become-public"
    done = put(desk, "0601", fields=public, make_public=True)
    assert done.status_code == 200
    assert category(desk, "0601")["fields"]["is_private"] is False
    assert put(desk, "0603", fields=public).status_code == 200, "it has no cases"


def test_a_workbook_does_not_make_private_cases_public_by_the_way_either(desk_of, phone_of):
    phone, desk = phone_of("west"), desk_of()
    phone.push(phone.issue(category="0601"))
    book = openpyxl.load_workbook(io.BytesIO(desk.get("/v1/catalogue/xlsx").data))
    set_private(book, "0601", "否")
    content = io.BytesIO()
    book.save(content)
    assert send(desk, content.getvalue(), dry_run="false").status_code == 409
    assert send(desk, content.getvalue(), dry_run="false", make_public="true").status_code == 200


def test_neither_does_the_command(app, desk_of, phone_of, sync_url, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", sync_url)
    monkeypatch.setenv("REDIS_URL", app.config["PATROL"].redis_url)
    monkeypatch.setenv("PATROL_SECRET_KEY", app.config["PATROL"].secret_key)
    phone, desk = phone_of("west"), desk_of()
    phone.push(phone.issue(category="0601"))
    book = openpyxl.load_workbook(io.BytesIO(desk.get("/v1/catalogue/xlsx").data))
    set_private(book, "0601", "否")
    file = tmp_path / "catalogue.xlsx"
    book.save(file)
    assert commands.catalogue_import(file=str(file)) == 1
    assert "0601: 1 件涉隐私的案件会公开" in capsys.readouterr().err
    assert commands.catalogue_import(file=str(file), dry_run=True) == 0
    assert "--make-public" in capsys.readouterr().out
    assert commands.catalogue_import(file=str(file), make_public=True) == 0
