"""Doors taken for some days: two workers of one grid do not knock at the same."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from tests.browser.patrol.conftest import PHONE, App, Worker

_ALSO_THERE = text("""
    INSERT INTO assignment (person_id, role, area_id, during)
    SELECT other.id, 'grid_worker', area_id, tstzrange(now() - interval '1 hour', NULL)
    FROM assignment JOIN person ON person.id = assignment.person_id, person AS other
    WHERE person.login = :login AND other.login = :other AND upper_inf(during)
""")
_LEFT = text("""
    UPDATE assignment SET during = tstzrange(lower(during), now()) FROM person
    WHERE person.id = person_id AND login = :other AND upper_inf(during)
""")


@pytest.fixture
def colleague(app, visit, session):
    """The app of another worker, who works in the same grid and nowhere else."""
    held = App(visit(PHONE, has_touch=True), Worker(session))
    session.execute(_LEFT, {"other": held.worker.login})
    session.execute(_ALSO_THERE, {"login": app.worker.login, "other": held.worker.login})
    session.commit()
    held.enrol()
    return held


def take(app, which="这一户我来走几天", until="就今天"):
    app.page.get_by_text(which).click()
    app.page.get_by_role("group", name="走到哪天").get_by_role("button", name=until).click()


def today(app):
    app.page.get_by_role("link", name="今天").click()


def test_a_door_that_is_taken_is_not_due_for_a_colleague_until_it_is_given_back(app, colleague, looked_at):
    app.door("101")
    looked_at(app.page, "claim-free")
    take(app)
    expect(app.page.get_by_text("这一户您来走，到")).to_be_visible()
    looked_at(app.page, "claim-mine")
    expect(colleague.page.get_by_role("heading", name="今天", exact=True)).to_be_visible()
    expect(colleague.page.get_by_role("button", name="该走的 11")).to_be_visible()
    expect(app.page.get_by_role("button", name="已访")).to_be_visible()
    colleague.page.get_by_role("button", name="全部 12").click()
    expect(colleague.page.get_by_text(f"{app.worker.name}在走，到")).to_be_visible()
    colleague.page.get_by_role("link", name="101").first.click()
    expect(colleague.page.get_by_text(f"{app.worker.name}在走这一户，到")).to_be_visible()
    looked_at(colleague.page, "claim-other")
    expect(colleague.page.get_by_role("button", name="已访")).to_be_visible()
    app.page.get_by_role("button", name="不走了，还给大家").click()
    expect(colleague.page.get_by_text("这一户我来走几天")).to_be_visible()
    today(colleague)
    expect(colleague.page.get_by_role("button", name="该走的 12")).to_be_visible()


def test_what_is_due_of_a_building_is_taken_at_once_without_a_network_and_who_comes_second_is_told(
    app, colleague, looked_at
):
    app.worker_ready()
    app.page.context.set_offline(True)
    take(app, which="这栋该走的 6 户我来走")
    expect(app.page.get_by_text("正在认下 6 户")).to_be_visible()
    colleague.door("201")
    take(colleague)
    expect(colleague.page.get_by_text("这一户您来走，到")).to_be_visible()
    app.page.reload()
    app.unlock()
    expect(app.page.get_by_text("正在认下 6 户")).to_be_visible()
    app.page.context.set_offline(False)
    expect(app.page.get_by_role("heading", name="有 1 户同事先认下了")).to_be_visible()
    expect(app.page.get_by_text(f"阳明小区2栋 1单元 201：{colleague.worker.name}在走")).to_be_visible()
    expect(app.page.get_by_role("button", name="这栋我认下的 5 户还给大家")).to_be_visible()
    looked_at(app.page, "claim-lost")
    today(colleague)
    expect(colleague.page.get_by_role("button", name="该走的 7")).to_be_visible()
    app.page.get_by_role("button", name="知道了").click()
    expect(app.page.get_by_role("heading", name="有 1 户同事先认下了")).to_have_count(0)
    app.page.get_by_role("button", name="这栋我认下的 5 户还给大家").click()
    expect(colleague.page.get_by_role("button", name="该走的 12")).to_be_visible()
