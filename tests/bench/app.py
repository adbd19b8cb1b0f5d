"""The patrol app in Chromium, its processor slowed to a quarter: how soon it opens over many records, what it holds.

The floor is the same app over a hundred records: what the browser, the keys and the programs cost by themselves. Each
is filled through the app's own database, closed and opened again. Times are of a machine that also plays the server;
the ratio is what counts. Memory is the heap of the page after a collection, and what its process holds in all.
"""

import itertools
import statistics
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from server.launch.pages_build import WEB, node
from tests.bench.stage import Say, stage
from tests.conftest import chromium_options

RECORDS = {"floor: 100 records": (20, 80), "ours: 10,000 records": (2_000, 8_000)}
"""Households and visits of each."""
SLOWED, PIN, PHONE = 4, "2580", {"width": 390, "height": 844}
FRAMES = 60
_MIB = 1 << 20
_PARTS = 'export { Rings } from "./patrol/vault/rings"; export { Phone } from "./patrol/phone";'
_BUILD = """
    import { build } from 'vite';
    const [entry, outDir] = process.argv.slice(1);
    await build({ configFile: false, logLevel: 'error', publicDir: false, build: { outDir, emptyOutDir: true,
        lib: { entry, formats: ['es'], fileName: () => 'parts.js' } } });
"""
_FILL = """async ([pin, households, visits]) => {
    const { Rings, Phone } = await import('/try/parts.js');
    const rings = new Rings();
    const { ring, key } = await rings.make(pin);
    await rings.belongsTo(ring.name, { name: '刘建国', login: 'w01' });
    const phone = new Phone(ring, key);
    const { store } = phone.client;
    const id = (kind, n) => `0192${kind}-${String(n).padStart(4, '0')}-7000-8000-000000000000`;
    const held = (collection, id, data) => ({ collection, id, rev: 1, data, place: null, grid: 'g', generation: 1 });
    const home = (n) => held('households', id('aaaa', n), {
        building: `阳明小区${1 + Math.floor(n / 60)}栋`, unit: `${1 + n % 3}单元`,
        room: `${1 + Math.floor(n / 6) % 10}0${1 + n % 2}`,
        risk_tier: ['general', 'key', 'high'][n % 3], location: { lon: 114.3 + n / 1e6, lat: 25.68 },
    });
    const visit = (n) => held('visits', id('bbbb', n), {
        household_id: id('aaaa', n % households), outcome: ['met', 'no_answer'][n % 2],
        started_at: new Date(Date.now() - (n % 400) * 86_400_000).toISOString(), note: '膝盖疼，想配药',
    });
    const protocol = { min: 1, current: 1 };
    const worker = { name: '刘建国' };
    await store.note('device', { device_id: crypto.randomUUID(), token: 'none', worker, scope: null, protocol });
    const pulled_at = Date.now();
    await store.note('position', { cursor: 'c', generation: 1, filling: false, asks: false, scope: null, pulled_at });
    const rows = [...Array(households).keys()].map(home).concat([...Array(visits).keys()].map(visit));
    for (let at = 0; at < rows.length; at += 500) await store.records.bulkPut(rows.slice(at, at + 500));
    phone.close();
    rings.close();
}"""
_SCROLL = """async (frames) => {
    const main = document.querySelector('.patrol-main');
    const took = [];
    let last = performance.now();
    for (let n = 0; n < frames; n += 1) {
        main.scrollBy(0, 400);
        await new Promise(requestAnimationFrame);
        took.push(performance.now() - last);
        last = performance.now();
    }
    return took;
}"""


@dataclass(frozen=True)
class Opened:
    """How long (s) until the day stood after the PIN, and until all doors did; slow frames; what the page held."""

    opened_s: float
    all_doors_s: float
    frame_ms: float
    heap_bytes: int
    process_bytes: int
    nodes: int


def measure(say: Say) -> dict[str, Any]:
    """Open the app over few and over many records, three times each in turn."""
    with _address() as url, TemporaryDirectory() as folder, sync_playwright() as playwright:
        parts = _parts(Path(folder))
        browser = playwright.chromium.launch(**chromium_options("--enable-precise-memory-info"))
        found: dict[str, list[Opened]] = {name: [] for name in RECORDS}
        for _, name in itertools.product(range(3), RECORDS):
            found[name].append(_opened(browser, url, parts, RECORDS[name]))
            say(f"{name}: {found[name][-1]}")
        browser.close()
    told = {name: _median(each) for name, each in found.items()}
    lines = [
        f"{name:22} opens {each.opened_s:5.2f} s  all doors {each.all_doors_s:5.2f} s  frame {each.frame_ms:5.1f} ms"
        f"  heap {each.heap_bytes / _MIB:5.1f} MiB"
        f"  process {each.process_bytes / _MIB:6.1f} MiB  {each.nodes} nodes"
        for name, each in told.items()
    ]
    return {"lines": lines, **{name: vars(each) for name, each in told.items()}}


def _median(found: list[Opened]) -> Opened:
    names = Opened.__dataclass_fields__
    return Opened(**{name: statistics.median(getattr(each, name) for each in found) for name in names})


def _opened(browser: Browser, url: str, parts: Path, counts: tuple[int, int]) -> Opened:
    context = browser.new_context(viewport=PHONE, locale="zh-CN")  # type: ignore[arg-type]  # a size
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.route("**/try/parts.js", lambda route: route.fulfill(path=parts, content_type="text/javascript"))
    page.route("**/v1/**", lambda route: route.abort("connectionrefused"))
    page.goto(f"{url}/patrol")
    page.evaluate(_FILL, [PIN, *counts])
    slowed = context.new_cdp_session(page)
    slowed.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    page.reload()
    page.get_by_label("密码", exact=True).fill(PIN)
    begun = time.perf_counter()
    page.get_by_role("button", name="打开").click()
    page.get_by_role("heading", name="今天", exact=True).wait_for()
    opened_s = time.perf_counter() - begun
    all_doors_s = _all_doors(page)
    frames = sorted(page.evaluate(_SCROLL, FRAMES))
    slowed.send("HeapProfiler.collectGarbage")
    heap = page.evaluate("performance.memory.usedJSHeapSize")
    process = max(psutil.Process(each).memory_info().rss for each in _renderers(browser))
    nodes = page.evaluate("document.querySelectorAll('*').length")
    context.close()
    return Opened(opened_s, all_doors_s, frames[int(FRAMES * 0.95)], heap, process, nodes)


def _all_doors(page: Page) -> float:
    """Have every door of every building shown, as a search for a word that all have does; return how long it took."""
    begun = time.perf_counter()
    page.locator("#sought").fill("单元")
    page.locator(".patrol-row").nth(10).wait_for()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return time.perf_counter() - begun


def _renderers(browser: Browser) -> list[int]:
    """Return the process ids of pages."""
    told = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
    return [each["id"] for each in told["processInfo"] if each["type"] == "renderer"]


@contextmanager
def _address() -> Iterator[str]:
    """Yield the address of a server that has the pages; what the app asks of it beside them does not arrive."""
    with stage() as city:
        yield f"http://{city.address[0]}:{city.address[1]}"


def _parts(folder: Path) -> Path:
    entry = WEB / "src" / f"parts-{uuid.uuid4().hex[:8]}.ts"
    try:
        entry.write_text(_PARTS)
        subprocess.run(
            ["node", "--input-type=module", "-e", _BUILD, str(entry), str(folder / "built")],
            cwd=WEB, env=node().env, check=True,
        )  # fmt: skip
    finally:
        entry.unlink()
    return folder / "built" / "parts.js"
