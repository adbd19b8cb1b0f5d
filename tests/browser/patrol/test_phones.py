"""Several phones, several workers, a restore, a move: nobody loses what they entered, and nobody sees another's."""

import json
import secrets

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from tests.browser.patrol.conftest import PHONE, App, Worker


def me(app):
    app.page.evaluate("location.hash = '#/me'")
    expect(app.page.get_by_role("heading", name="我的设置")).to_be_visible()


def databases(app):
    return sorted(app.page.evaluate("indexedDB.databases().then(all => all.map(each => each.name))"))


def second_worker(app, session, pin="1379"):
    """Another worker takes a part of the same phone, beside the first."""
    me(app)
    app.page.get_by_role("button", name="锁上").click()
    app.page.get_by_role("button", name="另一位网格员用这部手机").click()
    held = App(app.watched, Worker(session))
    held.page.get_by_label("登记码").fill(held.worker.code())
    held.page.get_by_label("设一个密码").fill(pin)
    held.page.get_by_label("再输一次密码").fill(pin)
    held.page.get_by_role("button", name="启用").click()
    expect(held.page.get_by_text("今天已走 0 户")).to_be_visible()
    return held


def test_who_leaves_a_phone_when_all_is_safe_takes_only_their_own_records_off_it(app, session, looked_at):
    page = app.page
    app.door("101")
    app.answer("已访")
    first = databases(app)
    second = second_worker(app, session)
    assert set(first) < set(databases(app))
    me(second)
    page.get_by_text("离开这部手机").click()
    page.get_by_role("button", name="先核对").click()
    expect(page.get_by_text("全部已在服务器上，可以离开。")).to_be_visible()
    looked_at(page, "leave")
    page.get_by_role("button", name="删除我在这部手机上的资料").click()
    expect(page.get_by_role("heading", name=f"{app.worker.name}，请输入密码")).to_be_visible()
    assert databases(app) == first
    app.unlock()
    expect(page.get_by_text("今天已走 1 户")).to_be_visible()
    app.all_sent()
    assert len(app.worker.written("visit")) == 1
    in_use = text("SELECT count(*) FROM device JOIN person ON person.id = person_id WHERE login = :login"
                  " AND revoked_at IS NULL")  # fmt: skip
    assert session.scalar(in_use, {"login": second.worker.login}) == 0
    assert session.scalar(in_use, {"login": app.worker.login}) == 1


def test_nobody_leaves_a_phone_with_what_is_on_no_server_and_in_no_file(app, looked_at):
    page = app.page
    app.worker_ready()
    page.context.set_offline(True)
    app.door("101")
    app.answer("拒访")
    expect(page.locator(".patrol-sync")).to_contain_text("未发")
    me(app)
    page.get_by_text("离开这部手机").click()
    expect(page.get_by_role("button", name="删除我在这部手机上的资料")).to_have_count(0)
    page.get_by_role("button", name="先核对").click()
    expect(page.get_by_text("还不能离开")).to_be_visible()
    expect(page.get_by_role("button", name="删除我在这部手机上的资料")).to_have_count(0)
    page.locator("summary", has_text="存成文件，带到工作站").click()
    with page.expect_download() as kept:
        page.get_by_role("button", name="存成文件，带到工作站").click()
    assert kept.value.path().stat().st_size > 0
    expect(page.get_by_text("请先把文件交给工作站，再离开")).to_be_visible()
    looked_at(page, "leave-carried")
    page.get_by_role("button", name="删除我在这部手机上的资料").click()
    expect(page.get_by_role("heading", name="登记这部手机")).to_be_visible()
    assert databases(app) == ["gridpatrol-rings"]
    assert app.worker.written_now("visit") == []


def test_a_lost_phone_is_put_out_of_use_from_the_other_and_its_work_is_not_lost(app, visit, looked_at):
    another = App(visit(PHONE, has_touch=True), app.worker)
    another.enrol()
    app.worker_ready()
    app.page.context.set_offline(True)
    app.door("101")
    app.answer("已访")
    expect(app.page.locator(".patrol-sync")).to_contain_text("未发")
    me(another)
    phones = another.page.get_by_role("region", name="您的手机")
    expect(phones.get_by_text("登记")).to_have_count(2)
    looked_at(another.page, "phones")
    phones.locator("summary", has_text="停用这一部").click()
    phones.get_by_role("button", name="停用", exact=True).click()
    expect(phones.get_by_text("登记")).to_have_count(1)
    app.page.context.set_offline(False)
    expect(app.page.get_by_role("alert")).to_contain_text("这部手机已被停用")
    app.page.evaluate("location.hash = '#/mine'")
    expect(app.page.get_by_text("服务器没有收进去，但已留底").first).to_be_visible()
    assert app.worker.operations() == {"quarantined": 2}, "the visit and its task, for the station to look at"
    expect(another.page.get_by_role("alert")).to_have_count(0)


@pytest.fixture
def restored(session):
    """Makes the server forget the phones of a worker, as a backup from before they were enrolled does."""

    def forget(worker):
        every = text("""
            UPDATE device SET token_hash = decode(:hash, 'hex') FROM person
            WHERE person.id = person_id AND login = :login
        """)
        session.execute(every, {"hash": secrets.token_hex(32), "login": worker.login})
        session.commit()

    return forget


def test_a_phone_that_a_restored_server_does_not_know_is_enrolled_again_by_its_worker_alone(
    app, session, restored, looked_at
):
    page = app.page
    app.worker_ready()
    page.context.set_offline(True)
    app.door("101")
    app.answer("已访")
    expect(page.locator(".patrol-sync")).to_contain_text("未发")
    restored(app.worker)
    page.context.set_offline(False)
    expect(page.get_by_text("服务器恢复过备份，不认得这部手机了")).to_be_visible(timeout=70_000)
    stranger = Worker(session)
    page.get_by_label("登记码").fill(stranger.code())
    page.get_by_role("button", name="启用").click()
    expect(page.get_by_role("alert")).to_contain_text(f"这个登记码是{stranger.name}的")
    looked_at(page, "enrol-another")
    assert stranger.operations() == {}
    page.get_by_label("登记码").fill(app.worker.code())
    page.get_by_role("button", name="启用").click()
    expect(page.get_by_text("服务器恢复过备份，不认得这部手机了")).to_have_count(0)
    app.all_sent()
    assert [visit.doc["outcome"] for visit in app.worker.written("visit")] == ["met"]
    assert app.worker.operations() == {"applied": 2}
    me(app)
    expect(page.get_by_text(f"{app.worker.name}，网格")).to_be_visible()


def test_a_move_to_a_new_phone_brings_everything_and_the_old_one_can_be_left(app, visit):
    app.door("101")
    app.answer("已访")
    app.sent_after_waiting()
    new = App(visit(PHONE, has_touch=True), app.worker)
    new.enrol()
    expect(new.page.get_by_text("今天已走 1 户")).to_be_visible()
    me(app)
    app.page.get_by_text("离开这部手机").click()
    app.page.get_by_role("button", name="先核对").click()
    app.page.get_by_role("button", name="删除我在这部手机上的资料").click()
    expect(app.page.get_by_role("heading", name="登记这部手机")).to_be_visible()
    new.door("102")
    new.answer("拒访")
    new.sent_after_waiting()
    assert [visit.doc["outcome"] for visit in app.worker.written("visit", 2)] == ["met", "refused"]
    assert app.worker.name not in json.dumps(app.page.evaluate("Object.values(localStorage)"))
