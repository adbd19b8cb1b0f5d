"""The catalogue's page and the rules': found, edited from a day on, as a workbook; tried out, made, retired."""

import datetime as dt
import io
import os
import re
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from server.cases.catalogues.workbook import MEDIA_TYPE
from tests.browser import sample
from tests.browser.conftest import NARROW, WIDE

SHOTS = os.environ.get("PATROL_SHOTS")


@pytest.fixture(autouse=True)
def _as_it_was(session):
    terms = session.execute(text("SELECT code, limit_value, assisting_bodies FROM category")).all()
    yield
    session.rollback()
    for row in terms:
        session.execute(
            text("UPDATE category SET limit_value = :limit, assisting_bodies = :bodies WHERE code = :code"),
            {"limit": row.limit_value, "bodies": row.assisting_bodies, "code": row.code},
        )
    session.execute(text("UPDATE rule SET active = false, retired_at = now() WHERE active"))
    session.execute(text("DELETE FROM organisation WHERE code = 'linshi'"))
    session.commit()


def shoot(page, name):
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def fits(page, size):
    return page.evaluate("document.documentElement.scrollWidth") <= size[0]


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_a_category_is_found_by_its_name_and_edited_after_a_look(visit, size):
    watched = visit(size)
    page = watched.page
    watched.sign_in(sample.ADMIN, then="/catalogue")
    expect(page.locator(".catalogue-rows tbody tr")).to_have_count(70)
    page.get_by_label("搜索").fill("路灯")
    expect(page.locator(".catalogue-rows tbody tr")).to_have_count(1)
    page.get_by_role("button", name="路灯").click()
    expect(page.get_by_role("heading", name="编辑类别 0302 路灯")).to_be_focused()
    expect(page.get_by_label("主管单位").locator("option:checked")).not_to_have_text(re.compile("[a-z]"))
    assisting = page.locator(".catalogue-assisting")
    assisting.get_by_role("button", name="移除供电公司").click()
    assisting.get_by_label("协办单位").select_option(value="chengguan")
    page.locator(".catalogue-fields").get_by_label("处置时限", exact=True).fill("9")
    page.locator(".catalogue-foot").get_by_role("button", name="试算").click()
    expect(page.get_by_text("改动的类别：1 个")).to_be_visible()
    told = page.locator(".catalogue-edit .rows tr").filter(has_text="协办单位")
    expect(told.locator("td").nth(1)).not_to_have_text(re.compile("[a-z]"))
    expect(told.locator("td").nth(2)).to_have_text(re.compile("城"))
    shoot(page, f"catalogue-{size[0]}")
    assert fits(page, size)
    page.locator(".catalogue-edit").get_by_role("button", name="录入", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="录入", exact=True).click()
    expect(page.locator(".catalogue-rows").get_by_text("9 个工作日")).to_be_visible()


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_limits_of_stages_are_set_after_a_look(visit, session, size):
    watched = visit(size)
    page = watched.page
    watched.sign_in(sample.ADMIN, then="/catalogue")
    terms = page.locator(".catalogue-terms")
    terms.get_by_label("核查时限", exact=True).fill("3")
    terms.get_by_role("button", name="试算").click()
    expect(terms.get_by_role("alert")).to_have_text("请填写依据。")
    terms.get_by_label("依据").fill("城管办〔2026〕12号")
    terms.get_by_role("button", name="试算").click()
    expect(terms.get_by_role("status")).to_contain_text("变动")
    terms.scroll_into_view_if_needed()
    shoot(page, f"terms-{size[0]}")
    assert fits(page, size)
    terms.get_by_role("button", name="更改时限").click()
    page.get_by_role("dialog").get_by_role("button", name="更改时限").click()
    expect(terms.get_by_text("已更改")).to_be_visible()
    expect(terms.get_by_label("核查时限", exact=True)).to_have_value("3")
    terms.get_by_text("历次更改").click()
    expect(terms.locator(".catalogue-history")).to_contain_text("城管办〔2026〕12号")
    page.evaluate("localStorage.setItem('patrol.language', 'en')")
    page.reload()
    expect(terms.locator(".term").first).to_be_visible()
    shoot(page, f"terms-en-{size[0]}")
    assert fits(page, size)
    session.execute(text("TRUNCATE stage_limit, stage_limit_move"))
    session.commit()


def test_an_edit_from_a_later_day_on_waits_and_is_told(visit, session):
    watched = visit()
    page = watched.page
    watched.sign_in(sample.ADMIN, then="/catalogue?code=0301")
    page.locator(".catalogue-fields").get_by_label("处置时限", exact=True).fill("5")
    page.locator(".catalogue-foot").get_by_label("生效时间").fill("2098-01-01T08:00")
    page.locator(".catalogue-foot").get_by_role("button", name="试算").click()
    page.locator(".catalogue-edit").get_by_role("button", name="录入", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("2098")
    page.get_by_role("dialog").get_by_role("button", name="录入", exact=True).click()
    row = page.locator(".catalogue-rows tr", has_text="0301").first
    expect(row).to_contain_text("起有改动")
    expect(row).to_contain_text("2 小时")
    session.execute(text("DELETE FROM category_version WHERE lower(during) > now()"))
    session.execute(text("UPDATE category_version SET during = tstzrange(lower(during), NULL) WHERE code = '0301'"
                         " AND upper(during) > now()"))  # fmt: skip
    session.commit()


def test_a_fault_is_told_by_its_column_and_nothing_is_changed(visit):
    watched = visit()
    page = watched.page
    watched.sign_in(sample.ADMIN, then="/catalogue?code=0405")
    expect(page.locator(".catalogue-line")).to_have_count(3)
    page.locator(".catalogue-line").nth(2).get_by_label("处置时限", exact=True).fill("很久")
    page.locator(".catalogue-foot").get_by_role("button", name="试算").click()
    expect(page.locator(".catalogue-faults li")).to_have_count(1)
    expect(page.locator(".catalogue-faults li")).to_contain_text("第 3 行，处置时限")
    shoot(page, "catalogue-faults")


def test_a_workbook_is_taken_down_edited_and_looked_at(visit):
    watched = visit()
    page = watched.page
    watched.sign_in(sample.ADMIN, then="/catalogue")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载工作簿").click()
    book = openpyxl.load_workbook(io.BytesIO(Path(download.value.path()).read_bytes()))
    sheet = book["类别"]
    limit = next(cell.column for cell in sheet[1] if str(cell.value).startswith("处置时限"))
    row = next(cell.row for cell in sheet["A"] if cell.value == "0302")

    def give(value):
        sheet.cell(row, limit).value = value
        out = io.BytesIO()
        book.save(out)
        file = {"name": "目录.xlsx", "mimeType": MEDIA_TYPE, "buffer": out.getvalue()}
        page.get_by_label("XLSX 文件").set_input_files(file)
        page.locator(".catalogue-sheet").get_by_role("button", name="试算").click()

    give("=1+1")
    expect(page.locator(".catalogue-faults li")).to_contain_text(f"第 {row} 行")
    give(6)
    expect(page.locator(".catalogue-sheet").get_by_text("改动的类别：1 个")).to_be_visible()
    page.locator(".catalogue-sheet").get_by_role("button", name="录入", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="录入", exact=True).click()
    expect(page.get_by_text("已录入，1 个类别有变")).to_be_visible()
    expect(page.locator(".catalogue-rows tr", has_text="0302")).to_contain_text("6 个工作日")


def test_who_may_not_edit_reads(visit):
    watched = visit()
    page = watched.page
    watched.sign_in(then="/catalogue?code=0302")
    expect(page.locator(".catalogue-fields").get_by_label("处置时限", exact=True)).to_be_disabled()
    expect(page.get_by_role("button", name="试算")).to_have_count(0)


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_a_rule_is_tried_out_made_and_retired(visit, size):
    watched = visit(size)
    page = watched.page
    watched.sign_in(sample.ADMIN, then="/rules")
    expect(page.get_by_text("没有符合的规则")).to_be_visible()
    form = page.locator(".rules-add")
    form.get_by_role("button", name="试算").click()
    expect(form.get_by_role("alert")).to_be_visible()
    form.get_by_label("规则名称").fill("全部交城管")
    expect(form.get_by_label("主办单位").locator("option", has_text="城市管理局")).to_have_count(1)
    form.get_by_label("主办单位").select_option("chengguan")
    form.get_by_role("button", name="试算").click()
    expect(form.get_by_text(re.compile(r"会改派的案件：\d+ 件"))).to_be_visible()
    shoot(page, f"rules-{size[0]}")
    assert fits(page, size)
    form.get_by_role("button", name="保存规则").click()
    expect(form.get_by_text("已保存")).to_be_visible()
    row = page.locator("table.rows tr", has_text="全部交城管").first
    expect(row).to_contain_text("所有类别")
    row.get_by_role("button", name="停用").click()
    page.get_by_role("dialog").get_by_role("button", name="试算").click()
    expect(page.get_by_role("dialog").get_by_text(re.compile("看了 .* 件"))).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="停用").click()
    expect(page.get_by_text("没有符合的规则")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_a_rule_for_the_same_cases_is_refused_with_the_name_of_the_other(visit, session):
    now = dt.datetime.now(dt.UTC)
    session.execute(
        text("""INSERT INTO rule (label, category, lead_body_id, created_at)
                SELECT '已有的', '0302', id, :now FROM organisation WHERE code = 'zhujian'"""),
        {"now": now},
    )
    session.commit()
    watched = visit()
    page = watched.page
    watched.sign_in(sample.ADMIN, then="/rules?category=0302")
    form = page.locator(".rules-add")
    form.get_by_label("规则名称").fill("另一条")
    form.locator("select").first.select_option("0302")
    expect(form.get_by_label("主办单位").locator("option", has_text="城市管理局")).to_have_count(1)
    form.get_by_label("主办单位").select_option("chengguan")
    form.get_by_role("button", name="保存规则").click()
    expect(form.get_by_role("alert")).to_contain_text("另一条规则适用于完全相同的案件")


def test_a_rule_is_found_by_the_names_of_its_area_and_body(visit, session):
    area = session.execute(
        text("SELECT a.id, v.name FROM area a JOIN area_version v ON v.area_id = a.id WHERE a.kind = 'grid' LIMIT 1")
    ).one()
    session.execute(
        text("""INSERT INTO rule (label, area_id, lead_body_id, created_at)
                SELECT '试行', :area, id, now() FROM organisation WHERE code = 'chengguan'"""),
        {"area": area.id},
    )
    session.commit()
    watched = visit()
    page = watched.page
    watched.sign_in(sample.ADMIN, then="/rules")
    row = page.locator("table.rows tr", has_text="试行")
    expect(row).to_contain_text(area.name)
    for words in (area.name, "城市管理局"):
        page.get_by_label("搜索").fill("没有的")
        expect(row).to_have_count(0)
        page.get_by_label("搜索").fill(words)
        expect(row).to_be_visible()


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_a_body_is_retired_once_nothing_holds_it(visit, session, size):
    session.execute(
        text("INSERT INTO organisation (code, kind, name, name_en) VALUES ('linshi', 'company', '临时维修队', 'Crew')")
    )
    session.commit()
    watched = visit(size)
    page = watched.page
    watched.sign_in(sample.ADMIN, then="/rules")
    expect(page.locator(".rules-bodies summary").first).to_be_visible()
    for summary in page.locator(".rules-bodies summary").all():
        summary.click()
    page.get_by_role("button", name="停用 城市管理局").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="停用", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("不能停用")
    expect(dialog.locator(".rules-held")).to_contain_text("0301 ")
    shoot(page, f"bodies-{size[0]}")
    assert fits(page, size)
    dialog.get_by_role("button", name="取消").click()
    page.get_by_role("button", name="停用 临时维修队").click()
    dialog.get_by_role("button", name="停用", exact=True).click()
    expect(page.locator(".rules-bodies").get_by_role("status")).to_have_text("临时维修队已停用。")
    expect(page.get_by_role("button", name="停用 临时维修队")).to_have_count(0)
    expect(page.locator(".rules-bodies h2")).to_be_focused()
