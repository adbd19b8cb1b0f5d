"""The pages of accounts in Chromium: an administrator adds, gives, ends, resets, blocks; anybody changes their own."""

import datetime as dt
import itertools

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from server.accounts.service import add_person
from tests.browser import sample
from tests.browser.conftest import NARROW, WIDE

NUMBERS = itertools.count(1)


@pytest.fixture
def somebody(session):
    """Adds a person of a role, with the tests' password, and returns the login."""

    def add(role, place="360725"):
        login = f"account-{next(NUMBERS)}"
        now = dt.datetime.now(dt.UTC)
        add_person(session, login, role=role, place=place, password=sample.PASSWORD, name=f"人员{login}", now=now)
        session.commit()
        return login

    return add


def a_grid(session):
    return session.execute(
        text("""SELECT code, name FROM area JOIN area_version ON area_id = area.id
                WHERE kind = 'grid' AND upper_inf(editions) ORDER BY code LIMIT 1""")
    ).one()


def choose_area(page, words):
    page.locator(".choice-button").click()
    page.get_by_role("combobox", name="区域名称或编号").fill(words)
    page.locator(".areas-list [role=option]", has_text=words).first.click()


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_an_administrator_adds_somebody_who_then_signs_in(visit, session, somebody, looked_at, size):
    watched = visit(size)
    watched.sign_in(somebody("admin"), "/people")
    page, grid, login = watched.page, a_grid(session), f"new-{size[0]}"
    expect(page.locator(".rows tbody tr").first).to_be_visible()
    looked_at(page, f"people-{size[0]}")
    page.get_by_role("button", name="添加账号").click()
    page.get_by_label("登录名").fill(login)
    page.get_by_label("姓名").fill("新同事")
    page.get_by_label("角色").select_option("supervisor")
    choose_area(page, grid.name)
    looked_at(page, f"people-new-{size[0]}")
    page.get_by_role("button", name="添加", exact=True).click()
    secret = page.get_by_label(f"{login} 的密码", exact=True).inner_text()
    other = visit(size)
    other.page.goto(f"{other.site}/signin?next=/account")
    other.page.get_by_label("登录名").fill(login)
    other.page.get_by_label("密码", exact=True).fill(secret)
    other.page.keyboard.press("Enter")
    expect(other.page.get_by_role("heading", name="我的账号")).to_be_visible()
    expect(other.page.get_by_text(grid.name)).to_be_visible()


def test_a_role_is_given_and_ended_and_the_account_tells_by_whom(visit, session, somebody, looked_at):
    admin, login, grid = somebody("admin"), somebody("grid_worker", a_grid(session).code), a_grid(session)
    watched = visit()
    watched.sign_in(admin, f"/people?person={login}")
    page = watched.page
    page.locator("select").select_option("grid_head")
    choose_area(page, grid.name)
    page.get_by_role("button", name="授予", exact=True).click()
    expect(page.locator(".held li", has_text="网格长")).to_be_visible()
    page.get_by_role("button", name=f"结束角色 网格长（{grid.name}）").click()
    page.get_by_role("dialog").get_by_role("button", name="结束角色").click()
    expect(page.locator(".held li", has_text="网格长")).to_have_count(0)
    ended = page.locator("tbody tr", has_text="结束角色")
    expect(ended).to_contain_text(admin)
    expect(page.locator("h1:focus, h2:focus")).to_have_count(1)
    looked_at(page, "person")


def test_a_handler_is_given_to_a_body_by_its_name(visit, session, somebody):
    login = somebody("grid_worker", a_grid(session).code)
    watched = visit()
    watched.sign_in(somebody("admin"), f"/people?person={login}")
    page = watched.page
    page.locator("select").select_option("handler")
    page.get_by_label("承办单位").select_option(label="城市管理局")
    page.get_by_role("button", name="授予", exact=True).click()
    expect(page.locator(".held li", has_text="处置员")).to_be_visible()


def test_who_is_blocked_is_signed_out_and_may_be_let_in_again(visit, session, somebody):
    login = somebody("grid_worker", a_grid(session).code)
    watched = visit()
    watched.sign_in(sample.SUPERVISOR, f"/people?person={login}")
    page = watched.page
    expect(page.get_by_role("button", name="授予")).to_have_count(0)  # a supervisor tends, and gives no roles
    page.get_by_role("button", name="停用账号").click()
    page.get_by_role("dialog").get_by_label("原因").fill("离岗")
    page.get_by_role("dialog").get_by_role("button", name="停用账号").click()
    expect(page.locator("tbody tr", has_text="离岗")).to_be_visible()
    assert session.scalar(text("SELECT is_active FROM person WHERE login = :login"), {"login": login}) is False
    page.get_by_role("button", name="恢复账号").click()
    page.get_by_role("dialog").get_by_role("button", name="恢复账号").click()
    expect(page.get_by_role("button", name="停用账号")).to_be_visible()


def test_a_new_password_is_told_once(visit, session, somebody):
    login = somebody("grid_worker", a_grid(session).code)
    watched = visit()
    watched.sign_in(sample.SUPERVISOR, f"/people?person={login}")
    page = watched.page
    page.get_by_role("button", name="重置密码").click()
    page.get_by_role("dialog").get_by_role("button", name="重置密码").click()
    secret = page.get_by_label(f"{login} 的密码", exact=True).inner_text()
    page.reload()
    expect(page.get_by_role("button", name="重置密码")).to_be_visible()
    assert secret not in page.content()


def test_one_changes_ones_own_password_and_goes_on(visit, somebody, looked_at):
    login, new = somebody("auditor"), "Another-2026-word"
    watched = visit()
    watched.sign_in(login, "/map")
    page = watched.page
    page.get_by_role("link", name="我的账号").click()
    page.get_by_label("现在的密码").fill("not-this-one")
    page.get_by_label("新密码", exact=True).fill(new)
    page.get_by_label("再输一次新密码").fill(new)
    page.get_by_role("button", name="修改密码").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.get_by_label("现在的密码").get_attribute("aria-invalid") == "true"
    page.get_by_label("现在的密码").fill(sample.PASSWORD)
    page.get_by_role("button", name="修改密码").click()
    expect(page.get_by_text("密码已修改。")).to_be_visible()
    looked_at(page, "account")
    # The page goes on with the session that the change gave it: it may still change something.
    page.get_by_role("button", name="全部退出登录").click()
    page.get_by_role("dialog").get_by_role("button", name="全部退出登录").click()
    page.wait_for_url("**/signin*")
    page.get_by_label("登录名").fill(login)
    page.get_by_label("密码", exact=True).fill(new)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{watched.site}/")
