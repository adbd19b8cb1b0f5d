"""What phones go through: a clock that is wrong, a line that breaks at any request, two tabs, a file by hand."""

import datetime as dt
import re

import pytest
from playwright.sync_api import expect

from tests.browser import sample
from tests.browser.patrol.conftest import PHONE, App
from tests.browser.patrol.test_report import picture

DAY = dt.timedelta(days=1)


def prove(app):
    """Send everything and compare with the server, as the worker does by hand."""
    page = app.page
    if not page.get_by_role("heading", name="发送和保存").is_visible():
        page.locator(".patrol-sync").click()
    page.get_by_role("button", name="现在发送，并核对").click()
    expect(page.get_by_text(re.compile("全部安全|没能核对"))).to_be_visible()


@pytest.mark.parametrize("wrong", [3 * DAY, -3 * DAY, dt.timedelta(hours=7)], ids=["ahead", "behind", "hours"])
def test_a_clock_that_is_wrong_spoils_no_visit(visit, worker, wrong):
    app = App(visit(PHONE, has_touch=True), worker)
    page = app.page
    page.clock.install(time=dt.datetime.now(dt.UTC) + wrong)
    app.enrol()
    app.worker_ready()
    page.context.set_offline(True)
    app.door("101")
    app.answer("已访")
    page.get_by_role("link", name="今天").click()
    expect(page.get_by_text("今天已走 1 户")).to_be_visible()
    page.context.set_offline(False)
    prove(app)
    expect(page.get_by_text("全部安全")).to_be_visible()
    (seen,) = worker.written("visit")
    assert abs(seen.captured_at - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=5), "by the server's clock"
    assert worker.operations() == {"applied": 2}
    page.get_by_role("link", name="今天").click()
    expect(page.get_by_text("今天已走 1 户")).to_be_visible()


@pytest.mark.long
@pytest.mark.parametrize("heard", [False, True], ids=["never sent", "answer lost"])
def test_a_line_that_breaks_at_any_one_request_loses_and_doubles_nothing(app, heard):
    page, worker = app.page, app.worker
    rooms = [f"{floor}0{side}" for floor in (1, 2, 3) for side in (1, 2)]
    doors = [(building, room) for building in ("阳明小区2栋", "阳明小区10栋") for room in rooms]
    seen = [0]
    for number, (building, room) in enumerate(doors, 1):
        seen[0] = 0

        def broken(route, last=number):
            seen[0] += 1
            if seen[0] != last:
                return route.continue_()
            if heard:
                route.fetch()  # the server has it; the phone never hears of it
            return route.abort("connectionreset")

        app.door(room, building)
        app.answer("无人")
        page.route(re.compile("/v1/sync/(?!events)"), broken)
        prove(app)
        page.unroute(re.compile("/v1/sync/(?!events)"))
        if seen[0] < number:
            break
    assert number > 3, "push, pull and the sums were cut"
    prove(app)
    expect(page.get_by_text("全部安全")).to_be_visible()
    assert len({visit.doc["household_id"] for visit in worker.written("visit", number)}) == number
    assert worker.operations() == {"applied": number}


def test_two_tabs_that_enter_at_once_send_each_thing_once(app):
    page, worker = app.page, app.worker
    other = App(type(app.watched)(page.context.new_page(), app.watched.site), worker)
    other.watched.watch()
    other.open_app()
    other.unlock()
    page.context.set_offline(True)
    for tab, room in ((app, "101"), (other, "102"), (app, "201"), (other, "202")):
        tab.page.bring_to_front()
        tab.door(room)
        tab.answer("已访")
        expect(tab.page.get_by_role("button", name="撤销")).to_be_visible()
    page.context.set_offline(False)
    prove(other)
    prove(app)
    expect(page.get_by_text("全部安全")).to_be_visible()
    assert len({visit.doc["household_id"] for visit in worker.written("visit", 4)}) == 4
    assert worker.operations() == {"applied": 5}, "four visits and a task"
    assert other.watched.trouble == []


def test_a_day_carried_to_the_station_counts_once_though_the_phone_sends_it_too(app, visit, tmp_path):
    page, worker = app.page, app.worker
    app.worker_ready()
    page.context.set_offline(True)
    app.door("101")
    app.answer("已访")
    page.locator("#photo").set_input_files(picture())
    expect(page.get_by_role("img", name="第 1 张照片")).to_be_visible()
    page.get_by_role("button", name="记下").click()
    expect(page.get_by_text("已记下。")).to_be_visible()
    app.door("202")
    app.answer("拒访")
    page.locator(".patrol-sync").click()
    page.get_by_text("存成文件，带到工作站").first.click()
    with page.expect_download() as begun:
        page.get_by_role("button", name="存成文件，带到工作站").click()
    file = tmp_path / begun.value.suggested_filename
    begun.value.save_as(file)
    assert b"household" not in file.read_bytes(), "nobody but the server reads it"

    station = visit()
    station.sign_in(sample.ADMIN, then="/support?list=outbox")
    station.page.get_by_label("手机导出的文件").set_input_files(file)
    station.page.get_by_role("button", name="交入", exact=True).click()
    expect(station.page.get_by_text("已接收 3 条")).to_be_visible()
    expect(station.page.get_by_text("照片 1 张")).to_be_visible()
    assert [seen.doc["outcome"] for seen in worker.written("visit", 2)] == ["met", "refused"]

    page.context.set_offline(False)
    prove(app)
    expect(page.get_by_text("全部安全")).to_be_visible()
    assert [seen.doc["outcome"] for seen in worker.written("visit", 2)] == ["met", "refused"]
    assert worker.operations() == {"applied": 3}, "two visits and a task, once"
