"""A worker's day: from the code to the evening, without a network in between."""

from playwright.sync_api import expect
from sqlalchemy import text

from tests.browser.patrol.conftest import PHONE, App


def test_a_code_that_a_camera_opened_makes_the_phone_its_workers(app, looked_at):
    page = app.page
    expect(page.get_by_text(f"{app.worker.name}，这部手机现在归您用")).to_be_visible()
    expect(page.locator(".patrol-building")).to_have_count(2)
    assert page.locator(".patrol-building > span:first-child").all_inner_texts() == ["阳明小区2栋", "阳明小区10栋"]
    assert "#" not in page.url or page.url.endswith("#/today"), "a used code stays nowhere"
    looked_at(page, "today")


def test_what_is_entered_without_a_network_is_on_the_server_once_when_there_is_one(app, looked_at):
    page, worker = app.page, app.worker
    app.worker_ready()
    page.context.set_offline(True)
    app.door("101")
    looked_at(page, "household")
    app.answer("已访")
    expect(page.get_by_role("button", name="撤销")).to_be_visible()
    page.get_by_role("button", name="看病用药").click()
    page.get_by_label("说明").fill("膝盖疼，想配药")
    looked_at(page, "visit")
    page.get_by_role("button", name="记下").click()
    expect(page.get_by_text("已记下。")).to_be_visible()
    app.door("201")
    app.answer("无人")
    app.door("202")
    app.answer("拒访")
    expect(page.locator(".patrol-sync")).to_contain_text(
        "5 条未发"
    )  # with the task that is done, and the need of the household
    expect(page.locator(".patrol-sync")).to_contain_text("没有网络")
    page.locator(".patrol-sync").click()
    looked_at(page, "sync")
    assert worker.written_now("visit") == []
    page.context.set_offline(False)
    page.get_by_role("button", name="现在发送，并核对").click()
    expect(page.get_by_text("全部安全")).to_be_visible()
    app.all_sent()
    visits = worker.written("visit")
    assert [visit.doc["outcome"] for visit in visits] == ["met", "no_answer", "refused"]
    assert visits[0].doc["note"] == "膝盖疼，想配药"
    assert visits[0].doc["needs"] == ["看病用药"]
    assert worker.operations().keys() == {"applied"}
    done = text("SELECT doc ->> 'state' FROM task JOIN person ON person.id = person_id WHERE login = :login")
    assert worker.session.scalar(done, {"login": worker.login}) == "done"


def test_the_app_opens_without_a_network_and_asks_for_the_pin(app):
    page = app.page
    app.worker_ready()
    page.context.set_offline(True)
    page.reload()
    app.unlock("9999")
    expect(page.get_by_role("alert")).to_contain_text("密码不对")
    app.unlock()
    expect(page.get_by_role("heading", name="今天", exact=True)).to_be_visible()
    expect(page.locator(".patrol-building")).to_have_count(2)


def test_what_is_undone_within_ten_seconds_is_nowhere(app):
    page, worker = app.page, app.worker
    app.door("101")
    app.answer("拒访")
    page.get_by_role("button", name="撤销").click()
    expect(page.get_by_text("已撤销。")).to_be_visible()
    app.answer("已访")
    app.sent_after_waiting()
    assert [visit.doc["outcome"] for visit in worker.written("visit")] == ["met"]
    assert worker.operations() == {"applied": 2}, "the visit and its task"


def test_two_workers_on_one_phone_see_nothing_of_each_other(app, session):
    page = app.page
    app.door("101")
    app.answer("已访")
    app.sent_after_waiting()
    page.goto(f"{app.watched.site}/patrol#/me")
    page.get_by_role("button", name="锁上").click()
    page.get_by_role("button", name="另一位网格员用这部手机").click()
    second = App(app.watched, type(app.worker)(session))
    page.get_by_label("登记码").fill(second.worker.code())
    page.get_by_label("设一个密码").fill("1379")
    page.get_by_label("再输一次密码").fill("1379")
    page.get_by_role("button", name="启用").click()
    expect(page.get_by_text("今天已走 0 户")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="请选择您的名字")).to_be_visible()
    page.get_by_role("button", name=app.worker.name, exact=True).click()
    app.unlock("1379")
    expect(page.get_by_role("alert")).to_contain_text("密码不对")
    app.unlock()
    expect(page.get_by_text("今天已走 1 户")).to_be_visible()


def test_a_door_that_is_not_in_the_list_is_visited_by_its_address(app):
    page, worker = app.page, app.worker
    page.get_by_role("link", name="不在名单上的门牌").click()
    app.answer("已访")
    expect(page.get_by_role("alert")).to_contain_text("请先写在哪里")
    page.get_by_label("在哪里").fill("西门路 36 号 2 楼")
    app.answer("已访")
    app.sent_after_waiting()
    assert [visit.doc["address_text"] for visit in worker.written("visit")] == ["西门路 36 号 2 楼"]


def test_a_code_that_is_wrong_or_used_is_told_and_leaves_nothing_behind(visit, worker):
    watched = visit(PHONE, has_touch=True)
    page = watched.page
    page.goto(f"{watched.site}/patrol#WRONGCODE1")
    page.get_by_label("设一个密码").fill("2580")
    page.get_by_role("button", name="启用").click()
    expect(page.get_by_role("alert")).to_contain_text("不一样")
    page.get_by_label("再输一次密码").fill("2580")
    page.get_by_role("button", name="启用").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("button", name="启用")).to_be_enabled()
    names = page.evaluate("indexedDB.databases().then(all => all.map(each => each.name))")
    assert names == ["gridpatrol-rings"]


def test_a_new_phone_of_the_same_worker_shows_their_reports_and_their_day(app, visit):
    page, worker = app.page, app.worker
    app.door("101")
    app.answer("已访")
    page.get_by_role("link", name="上报", exact=True).click()
    page.get_by_label("或写地址").fill("西门路 36 号门口")
    page.get_by_label("找类别").fill("ld")
    page.get_by_role("group", name="是哪一种").get_by_role("button", name="路灯").click()
    page.get_by_role("main").get_by_role("button", name="上报", exact=True).click()
    app.sent_after_waiting()
    assert [len(worker.written(table)) for table in ("issue", "visit")] == [1, 1]
    another = App(visit(PHONE, has_touch=True), worker)
    another.enrol()
    expect(another.page.get_by_text("今天已走 1 户")).to_be_visible()
    another.page.get_by_role("link", name="我的上报").click()
    expect(another.page.get_by_role("main").get_by_role("link")).to_contain_text(["西门路 36 号门口"])
