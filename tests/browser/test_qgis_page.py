"""Connecting QGIS in Chromium: the address, a password that is made, told once, used as QGIS does, and revoked."""

import datetime as dt

import pytest
import requests
from playwright.sync_api import expect
from sqlalchemy import text

from server.accounts.service import add_person
from tests.browser import sample
from tests.browser.conftest import NARROW, WIDE

LOGIN = "mapper-qgis"


@pytest.fixture
def mapper(session):
    """Somebody who draws."""
    if session.scalar(text("SELECT 1 FROM person WHERE login = :login"), {"login": LOGIN}) is None:
        county = session.scalar(text("SELECT code FROM area WHERE kind = 'county'"))
        now = dt.datetime.now(dt.UTC)
        add_person(session, LOGIN, role="gis", place=county, password=sample.PASSWORD, name="测绘员", now=now)
    session.execute(text("DELETE FROM app_password"))
    session.commit()
    return LOGIN


def opened(visit, size=WIDE):
    watched = visit(size, permissions=["clipboard-read", "clipboard-write"])
    watched.sign_in(LOGIN, "/grids")
    watched.page.get_by_role("button", name="QGIS 连接").click()
    return watched.page


def may_read(site, secret):
    """What the server answers a program that signs in with a password."""
    return requests.get(f"{site}/ogc/collections", auth=(LOGIN, secret), timeout=30).status_code


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_a_password_is_told_once_opens_the_ogc_address_and_is_revoked(visit, mapper, site, looked_at, size):
    page = opened(visit, size)
    expect(page.get_by_text(f"{site}/ogc", exact=True)).to_be_visible()
    expect(page.get_by_text(mapper, exact=True)).to_be_visible()
    expect(page.get_by_text("还没有应用密码")).to_be_visible()
    page.get_by_label("用途").fill("办公室 QGIS")
    page.get_by_role("button", name="新建密码").click()
    page.get_by_role("button", name="复制 “办公室 QGIS”的密码").click()
    secret = page.evaluate("navigator.clipboard.readText()")
    assert secret == page.get_by_label("“办公室 QGIS”的密码", exact=True).inner_text()
    looked_at(page, f"qgis-{size[0]}")
    expect(page.get_by_text("areas-grid", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert may_read(site, secret) == 200
    page.reload()
    expect(page.get_by_text("最近使用")).to_be_visible()
    assert secret not in page.content()
    page.get_by_role("button", name="停用 办公室 QGIS").click()
    page.get_by_role("dialog").get_by_role("button", name="停用").click()
    expect(page.get_by_text("还没有应用密码")).to_be_visible()
    assert may_read(site, secret) == 401


def test_a_password_is_made_and_revoked_by_keyboard_in_english(visit, mapper, looked_at):
    page = opened(visit)
    page.get_by_role("button", name="English").click()
    page.get_by_label("What it is for").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".secret")).to_be_focused()
    looked_at(page, "qgis-en")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copy Password “QGIS”")).to_have_text("Copied")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".secret")).to_have_count(0)
    page.get_by_role("button", name="Revoke QGIS").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No application passwords yet.")).to_be_visible()


def test_what_is_refused_is_told_and_the_layers_of_open_drafts_are_named(visit, mapper, session):
    page = opened(visit)
    session.execute(
        text("""
            INSERT INTO app_password (person_id, name, secret_hash, created_at)
            SELECT id, 'QGIS', decode(md5(n::text) || md5(n::text), 'hex'), now()
            FROM person, generate_series(1, 20) AS n WHERE login = :login
        """),
        {"login": mapper},
    )
    session.commit()
    page.get_by_role("button", name="新建密码").click()
    expect(page.get_by_role("alert")).to_contain_text("应用密码已达上限")
    page.get_by_role("button", name="草案", exact=True).click()
    page.get_by_label("草案名称").fill("东门划分")
    page.get_by_role("button", name="开始").click()
    expect(page.get_by_role("heading", name="东门划分")).to_be_visible()
    draft = session.scalar(text("SELECT max(id) FROM draft"))
    page.goto(f"{page.url.split('?')[0]}?qgis")
    expect(page.get_by_text(f"draft-{draft}-grid", exact=True)).to_be_visible()
    session.execute(text("DELETE FROM draft"))
    session.commit()
