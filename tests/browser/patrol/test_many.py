"""Much at once, through the app's own database: five thousand operations that were not sent, and taps at random."""

import random
import re
import subprocess
import uuid
from collections import Counter

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from tests.browser.patrol.conftest import PIN
from tests.browser.patrol.test_adversity import prove
from tests.interop.client.test_client import WEB, tool

__all__ = ["tool"]

MANY = 5_000
LONG_MS = 180_000
PARTS = 'export { Rings } from "./patrol/vault/rings"; export { Phone } from "./patrol/phone";'
BUILD = """
    import { build } from 'vite';
    const [entry, outDir] = process.argv.slice(1);
    await build({ configFile: false, logLevel: 'error', publicDir: false, build: { outDir, emptyOutDir: true,
        lib: { entry, formats: ['es'], fileName: () => 'parts.js' } } });
"""
ENTER = """async ([pin, count, homes]) => {
    const { Rings, Phone } = window.parts;
    const rings = new Rings();
    const [ring] = await rings.all();
    const phone = new Phone(ring, await rings.open(ring.name, pin, Date.now()));
    for (let done = 0; done < count; done += 500) {
        await phone.client.store.atomically(async () => {
            for (let n = done; n < Math.min(count, done + 500); n += 1) {
                const visit = {household_id: homes[n % homes.length], outcome: 'no_answer', note: `第 ${n} 次`};
                await phone.client.put('visits', visit);
            }
        });
    }
    phone.close();
    rings.close();
}"""


@pytest.fixture(scope="session")
def parts(tool, tmp_path_factory):
    """What the app keeps and sends with, as a module that a page can load."""
    entry = WEB / "src" / f"parts-{uuid.uuid4().hex[:8]}.ts"
    folder = tmp_path_factory.mktemp("parts")
    try:
        entry.write_text(PARTS)
        subprocess.run(
            ["node", "--input-type=module", "-e", BUILD, str(entry), str(folder)], cwd=WEB, env=tool.env, check=True
        )
    finally:
        entry.unlink()
    return folder / "parts.js"


@pytest.mark.long
def test_five_thousand_operations_are_sent_once_over_a_line_that_breaks(app, parts):
    page, worker = app.page, app.worker
    held = text("""
        SELECT household.id::text FROM household JOIN assignment ON area_id = grid_now
        JOIN person ON person.id = assignment.person_id WHERE login = :login
    """)
    homes = list(worker.session.scalars(held, {"login": worker.login}))
    page.route("**/try/parts.js", lambda route: route.fulfill(path=parts, content_type="text/javascript"))
    page.evaluate("import('/try/parts.js').then((parts) => { window.parts = parts; })")
    page.context.set_offline(True)
    page.evaluate(ENTER, [PIN, MANY, homes])
    expect(page.locator(".patrol-sync")).to_contain_text(f"{MANY} 条未发")
    pushes = [0]

    def broken(route):
        pushes[0] += 1
        if pushes[0] not in (1, 4):
            return route.continue_()
        if pushes[0] == 4:
            route.fetch()  # the server has it; the phone never hears of it
        return route.abort("connectionreset")

    page.route("**/v1/sync/push", broken)
    page.context.set_offline(False)
    expect(page.locator(".patrol-sync")).to_contain_text("全部已发", timeout=LONG_MS)
    assert worker.operations() == {"applied": MANY}
    assert Counter(visit.doc["note"] for visit in worker.written("visit", MANY)) == Counter(
        f"第 {n} 次" for n in range(MANY)
    )


class Model:
    """A worker who taps at random, and what they saw as entered."""

    def __init__(self, app, seed):
        self.app, self.page, self.chance = app, app.page, random.Random(seed)
        self.visits, self.reports = Counter(), Counter()
        self.free = [f"{floor}0{side}" for floor in (1, 2, 3) for side in (1, 2)]
        self.online = True

    def tap(self):
        return self.chance.choice(
            [
                self.visit,
                self.visit,
                self.visit_noted,
                self.visit_undone,
                self.report,
                self.unnetted,
                self.gone,
                self.sent,
            ]
        )()

    def visit(self):
        if not self.free:
            return None
        room = self.free.pop(self.chance.randrange(len(self.free)))
        outcome = self.chance.choice(["已访", "无人", "拒访"])
        self.app.door(room)
        self.app.answer(outcome)
        expect(self.page.locator(".patrol-undo")).to_contain_text(f"{room} {outcome}")
        self.visits[outcome, None] += 1
        return room, outcome

    def visit_noted(self):
        if not (entered := self.visit()):
            return
        note = f"说明 {self.chance.randrange(10_000)}"
        self.page.get_by_label("说明").fill(note)
        self.page.get_by_role("button", name="记下").click()
        expect(self.page.get_by_text("已记下。")).to_be_visible()
        self.visits[entered[1], None] -= 1
        self.visits[entered[1], note] += 1

    def visit_undone(self):
        if not (entered := self.visit()):
            return
        self.page.get_by_role("button", name="撤销").click()
        said = self.page.locator(".patrol-undone")
        expect(said).to_have_text(re.compile("已撤销|来不及"))
        if "已撤销" in said.inner_text():
            self.visits[entered[1], None] -= 1
            self.free.append(entered[0])

    def report(self):
        words = f"第 {self.chance.randrange(10_000)} 件"
        self.page.get_by_role("link", name="上报", exact=True).click()
        self.page.get_by_label("找类别").fill("ld")
        self.page.get_by_role("group", name="是哪一种").get_by_role("button", name="路灯").click()
        self.page.get_by_label("或写地址").fill("西门路 36 号")
        self.page.get_by_label("说明").fill(words)
        self.page.get_by_role("main").get_by_role("button", name="上报", exact=True).click()
        expect(self.page.get_by_role("heading", name="路灯")).to_be_visible()
        self.reports[words] += 1

    def unnetted(self):
        self.online = not self.online
        self.page.context.set_offline(not self.online)

    def gone(self):
        self.page.goto("about:blank")
        self.app.open_app()
        self.app.unlock()
        expect(self.page.locator(".patrol-sync")).to_be_visible()

    def sent(self):
        prove(self.app)


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_random_taps_showed_as_entered_is_on_the_server_exactly_once(app, seed):
    model = Model(app, seed)
    app.worker_ready()
    for _ in range(14):
        model.tap()
    app.page.context.set_offline(False)
    prove(app)
    expect(app.page.get_by_text("全部安全")).to_be_visible()
    visits, reports = +model.visits, +model.reports
    seen = app.worker.written("visit", visits.total())
    assert Counter((_WORDS[each.doc["outcome"]], each.doc.get("note")) for each in seen) == visits
    assert Counter(each.doc["description"] for each in app.worker.written("issue", reports.total())) == reports
    assert app.worker.operations().keys() <= {"applied"}


_WORDS = {"met": "已访", "no_answer": "无人", "refused": "拒访"}
