"""A worker's grids change while they are out: what came and went is told, and nothing that was entered is lost."""

from playwright.sync_api import expect
from sqlalchemy import text

from tests.browser.patrol.conftest import Worker

_ENDS = text("""
    UPDATE assignment SET during = tstzrange(lower(during), now()) FROM person
    WHERE person.id = person_id AND login = :login AND upper_inf(during)
""")
_BEGINS = text("""
    INSERT INTO assignment (person_id, role, area_id, during)
    SELECT mine.id, 'grid_worker', area_id, tstzrange(now(), NULL)
    FROM assignment JOIN person AS theirs ON theirs.id = assignment.person_id, person AS mine
    WHERE theirs.login = :other AND mine.login = :login AND upper_inf(during) LIMIT 1
""")
_NAME = text("""
    SELECT version.name FROM assignment JOIN person ON person.id = person_id
    JOIN area_version AS version ON version.area_id = assignment.area_id AND upper_inf(editions)
    WHERE login = :login AND upper_inf(during) LIMIT 1
""")


def test_what_came_and_went_is_told_and_unsent_work_of_a_lost_grid_is_sent(app, session, looked_at):
    page, login, other = app.page, app.worker.login, Worker(session).login
    before, after = (session.scalar(_NAME, {"login": each}) for each in (login, other))
    app.worker_ready()
    app.all_sent()
    expect(page.get_by_text("您的网格有变化")).to_have_count(0)
    page.context.set_offline(True)
    app.door("101")
    app.answer("拒访")
    session.commit()
    session.execute(_ENDS, {"login": login})
    session.execute(_BEGINS, {"login": login, "other": other})
    session.commit()
    page.context.set_offline(False)
    page.get_by_role("link", name="今天").click()
    expect(page.get_by_role("heading", name="您的网格有变化")).to_be_visible(timeout=70_000)
    expect(page.get_by_text(f"新分给您：{after}")).to_be_visible()
    expect(page.get_by_text(f"不再由您负责：{before}（分工调整）")).to_be_visible()
    expect(page.get_by_text("名单上多了 12 户，少了 12 户。")).to_be_visible()
    looked_at(page, "scope-changed")
    app.all_sent()
    assert app.worker.operations() == {"applied": 2}, "the visit and its task"
    assert [visit.doc["outcome"] for visit in app.worker.written("visit")] == ["refused"]
    page.get_by_role("button", name="知道了").click()
    expect(page.get_by_role("heading", name="您的网格有变化")).to_have_count(0)
    page.reload()
    app.unlock()
    expect(page.get_by_role("heading", name="今天", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="您的网格有变化")).to_have_count(0)
