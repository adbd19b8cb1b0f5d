"""The package in a real browser: its IndexedDB, its Web Locks, tabs that are closed or crash in the middle."""

import subprocess
from pathlib import Path

import pytest

from tests.interop.client.test_client import WEB, tool

__all__ = ["tool"]

PAGE = """<!doctype html><meta charset="utf-8"><title>sync</title>
<script type="importmap">{"imports": {
  "dexie": "/try/modules/dexie/dist/modern/dexie.mjs",
  "@noble/curves/": "/try/modules/@noble/curves/",
  "@noble/hashes/": "/try/modules/@noble/hashes/"
}}</script>
<script type="module">
  import { SyncClient } from "/try/sync/index.js";
  window.client = new SyncClient({ url: location.origin });
</script>"""
DAY = """async (count) => {
  for (let done = 0; done < count; done += 1) {
    const location = { lon: 114.305, lat: 25.685 };
    const { id } = await client.put("issues", { category: "0301", severity: "low", location });
    await client.exchange();
    await client.patch("issues", id, { severity: "urgent" });
  }
}"""

HANDED_IN = """() => new Promise((resolve) => {
  client.watch(() => client.list("visits")).subscribe(([visit]) => visit.unsettled === 0 && resolve());
  client.start();
})"""


@pytest.fixture(scope="session")
def package(tool, tmp_path_factory):
    """The package as its own compiler settings build it."""
    folder = tmp_path_factory.mktemp("package")
    subprocess.run(
        ["npx", "tsc", "-p", "src/sync/tsconfig.json", "--outDir", str(folder)], cwd=WEB, env=tool.env, check=True
    )
    return folder


@pytest.fixture
def phone(chromium, server, package):
    """A browser profile; ``phone.tab()`` opens the client in a tab of it."""
    context = chromium.new_context()
    trouble = []

    def answer(route, request):
        path = request.url.partition("/try/")[2]
        kind, _, rest = path.partition("/")
        if kind == "sync":
            return route.fulfill(path=package / rest, content_type="text/javascript")
        if kind == "modules":
            return route.fulfill(path=Path(WEB) / "node_modules" / rest, content_type="text/javascript")
        return route.fulfill(body=PAGE, content_type="text/html")

    def tab():
        page = context.new_page()
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(f"{server.url}/try/app")
        page.wait_for_function("() => window.client !== undefined")
        return page

    context.route("**/try/**", answer)
    context.tab = tab
    yield context
    context.close()
    assert trouble == []


@pytest.fixture
def enrolled(phone, control):
    """The profile, enrolled for a worker of the west grid, and its device."""
    control.control.worker("chromium", ["west"])
    first = phone.tab()
    device = first.evaluate(
        """async (code) => (await client.enrol(code, {name: "c", platform: "web", app_version: "1.0.0"})).device_id""",
        control.control.code("chromium")["code"],
    )
    first.close()
    return device


def test_tabs_that_die_in_the_middle_of_their_work_make_one_device_that_agrees_with_the_server(
    phone, enrolled, control, server
):
    dying = [phone.tab() for _ in range(3)]
    for number, page in enumerate(dying):
        # Begun, and not waited for: each tab dies somewhere in it.
        page.evaluate(f"count => void ({DAY})(count).catch(() => undefined)", 50)
        page.wait_for_timeout(250 * (number + 1))
    for page in dying:
        page.close()
    tab = phone.tab()
    tab.evaluate(f"({DAY})", 2)
    done = tab.evaluate("client.exchange()")
    assert done is not None, "Web Locks of tabs that are closed are free"
    assert tab.evaluate("client.verify()") == 0
    entries = tab.evaluate("client.store.outbox.toArray()")
    assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
    assert len(entries) > 10
    assert {entry["state"] for entry in entries} == {"applied"}
    assert control.control.log(enrolled)["count"] == len(entries)
    issues = tab.evaluate("client.list('issues')")
    assert len(issues) == len({entry["id"] for entry in entries})
    assert all(issue["unsettled"] == 0 for issue in issues)


def test_what_is_entered_without_a_network_is_there_after_the_browser_came_back_and_goes_out_with_the_network(
    phone, enrolled, control
):
    tab = phone.tab()
    tab.evaluate("client.exchange()")
    phone.set_offline(True)
    told = tab.evaluate("""async () => {
        await client.put("visits", { outcome: "no_answer", note: "无人应门", location: { lon: 114.305, lat: 25.685 } });
        return client.exchange().then(() => "sent", (error) => error.constructor.name);
    }""")
    assert told == "Unreachable"
    phone.set_offline(False)
    tab.reload()
    tab.wait_for_function("() => window.client !== undefined")
    (visit,) = tab.evaluate("client.list('visits')")
    assert (visit["data"]["note"], visit["unsettled"]) == ("无人应门", 1)
    tab.evaluate(HANDED_IN)
    assert control.control.log(enrolled)["count"] == 1
