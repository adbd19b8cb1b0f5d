"""Sign-in, the first page and the API's page in Chromium."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, WIDE


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_first_page_has_a_door_for_each_of_the_three(visit, size):
    watched = visit(size)
    watched.page.goto(f"{watched.site}/")
    for who in ("网格员", "督办员", "GIS 人员"):
        expect(watched.page.get_by_text(who, exact=True)).to_be_visible()
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_an_enrolment_code_opened_by_a_camera_is_shown_with_what_to_do(visit):
    watched = visit(NARROW)
    watched.page.goto(f"{watched.site}/enrol#ABCDE23456")
    expect(watched.page.get_by_text("ABCDE23456")).to_be_visible()


def test_a_wrong_password_is_told_beside_the_form(visit):
    watched = visit()
    watched.page.goto(f"{watched.site}/signin")
    watched.page.get_by_role("button", name="登录").click()
    expect(watched.page.get_by_role("alert")).to_have_text("请填写登录名和密码。")
    watched.page.get_by_label("登录名").fill("chief")
    watched.page.get_by_label("密码", exact=True).fill("not-this-one")
    watched.page.keyboard.press("Enter")
    expect(watched.page.get_by_role("alert")).to_contain_text("登录名或密码不对")


def test_who_signs_in_never_lands_on_another_host(visit):
    watched = visit()
    watched.page.goto(f"{watched.site}/signin?next=//example.org/")
    watched.page.get_by_label("登录名").fill("chief")
    watched.page.get_by_label("密码", exact=True).fill("Patrol-2026-demo")
    watched.page.keyboard.press("Enter")
    watched.page.wait_for_url(f"{watched.site}/map*")


def test_signing_out_closes_the_map(visit):
    watched = visit()
    watched.sign_in()
    watched.map_ready()
    watched.page.get_by_role("button", name="退出登录").click()
    watched.page.wait_for_url("**/signin")
    watched.page.goto(f"{watched.site}/map")
    watched.page.wait_for_url("**/signin?*")


def test_the_api_page_shows_the_operations(visit):
    watched = visit()
    watched.page.goto(f"{watched.site}/docs")
    expect(watched.page.get_by_text("/v1/sync/push", exact=True).first).to_be_visible()
