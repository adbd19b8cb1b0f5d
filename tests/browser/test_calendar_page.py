"""The calendar's page: the years that may still change, looking at what a file would move, entering it."""

import datetime as dt
import re

import pytest
from playwright.sync_api import expect

from server.cases.calendars.calendar import SHANGHAI
from tests.browser import sample
from tests.browser.conftest import NARROW, WIDE


def csv_of(page, site, year):
    return page.request.get(f"{site}/v1/calendars/{year}/csv").text().lstrip("\ufeff")


def give(page, text, source="国办发明电〔2026〕7号", encoding="utf-8"):
    file = {"name": "days.csv", "mimeType": "text/csv", "buffer": text.encode(encoding)}
    page.get_by_label("CSV 文件").set_input_files(file)
    page.get_by_label("依据").fill(source)
    page.get_by_role("button", name="试算").click()


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_a_year_not_announced_is_told_as_provisional_with_its_months_and_hours(visit, size):
    watched = visit(size)
    page = watched.page
    watched.sign_in(then="/calendar")
    this = dt.datetime.now(SHANGHAI).year
    expect(page.get_by_role("button", name=f"{this + 1} 暂定")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_role("button", name=re.compile(f"^{this}"))).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name=f"{this + 1} 暂定").click()
    expect(page.get_by_role("note")).to_contain_text(str(this + 1))
    expect(page.locator(".calendar-month")).to_have_count(12)
    expect(page.locator(".calendar-day.is-holiday").nth(1)).to_contain_text("休")
    expect(page.get_by_text("08:30-12:00，14:00-17:30")).to_be_visible()
    expect(page.get_by_role("button", name="试算")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_a_look_says_which_deadlines_a_file_would_move_and_keeps_nothing(visit):
    watched = visit()
    page = watched.page
    soon = dt.datetime.now(SHANGHAI).date() + dt.timedelta(days=1)
    watched.sign_in(sample.ADMIN, then=f"/calendar?year={soon.year}")
    told = csv_of(page, watched.site, soon.year)
    free = [soon + dt.timedelta(days=n) for n in range(5)]
    lines = [f"{day:%Y/%m/%d},放假,台风停工" for day in free if f"{day}," not in told and day.year == soon.year]
    expect(page.locator(".calendar-month")).to_have_count(12)
    give(page, told + "\r\n".join(lines), encoding="gb18030")
    expect(page.get_by_text(re.compile(r"\d+ 个期限会变动"))).to_be_visible()
    expect(page.locator(".calendar-enter .rows tbody tr").first).to_be_visible()
    assert csv_of(page, watched.site, soon.year) == told


def test_a_file_at_fault_is_told_line_by_line_and_one_of_another_year_before_it_is_sent(visit):
    watched = visit()
    page = watched.page
    next_year = dt.datetime.now(SHANGHAI).year + 1
    watched.sign_in(sample.ADMIN, then=f"/calendar?year={next_year}")
    expect(page.locator(".calendar-month")).to_have_count(12)
    give(page, f"date,kind,name\n{next_year}-01-01,放假,元旦\n{next_year}-02-31,放假,无此日\n{next_year}-03-01,歇,日\n")
    expect(page.locator(".calendar-faults li")).to_have_count(2)
    expect(page.locator(".calendar-faults li").first).to_contain_text("第 3 行")
    give(page, "date,kind,name\n2019-01-01,放假,元旦\n")
    expect(page.get_by_role("alert")).to_contain_text("2019")


def test_a_notice_that_is_entered_is_announced_and_on_record(visit):
    watched = visit(NARROW)
    page = watched.page
    next_year = dt.datetime.now(SHANGHAI).year + 1
    watched.sign_in(sample.ADMIN, then=f"/calendar?year={next_year}")
    expect(page.locator(".calendar-month")).to_have_count(12)
    give(page, csv_of(page, watched.site, next_year), source="国办发明电第九号")
    page.locator(".calendar-enter").get_by_role("button", name="录入", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="录入", exact=True).click()
    expect(page.get_by_text("已录入为第")).to_be_visible()
    expect(page.get_by_role("button", name=f"{next_year}", exact=True)).to_be_visible()
    expect(page.get_by_role("cell", name="国办发明电第九号")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
