"""Photos in a real browser: turned, shrunk and stripped by it, and sent on after it was killed in the middle."""

import base64
import contextlib
import io
import subprocess
import uuid

import psutil
import pytest
from PIL import Image

from tests.conftest import chromium_options
from tests.interop.client.test_client import WEB, tool

__all__ = ["tool"]

PAGE = """<!doctype html><meta charset="utf-8"><title>photos</title>
<script type="module">
  import { Photos, pictureOf, SyncClient, Uploader } from "/try/app.js";
  Object.assign(window, { client: new SyncClient({ url: location.origin }), photos: new Photos("photos") });
  Object.assign(window, { pictureOf, Uploader, uploader: new Uploader(client, photos) });
</script>"""
APP = 'export { SyncClient } from "./sync/index.ts"; export * from "./photos/index.ts";'
TO_PICTURE = """async (coded) => {
  const file = await (await fetch(`data:image/jpeg;base64,${coded}`)).blob();
  const { content, ...told } = await pictureOf(file).catch((error) => ({ error: error.constructor.name }));
  return { ...told, content: content && btoa(content.reduce((all, byte) => all + String.fromCharCode(byte), "")) };
}"""
TAKE = """async ([coded, id, record]) => {
  const content = Uint8Array.from(atob(coded), (letter) => letter.charCodeAt(0));
  const sha256 = await crypto.subtle.digest("SHA-256", content);
  const hex = [...new Uint8Array(sha256)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const said = { id, collection: "visits", record, sha256: hex, type: "image/jpeg", name: "a.jpg", taken_at: 1 };
  await photos.add(said, content);
}"""
UNDER_WAY = """async (file) => {
  for (;;) {
    const { sent } = await photos.get(file);
    if (sent > 100_000) return sent;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}"""
ENROL = '(code) => client.enrol(code, {name: "c", platform: "web", app_version: "1.0.0"}).then(() => null)'


@pytest.fixture(scope="session")
def program(tool, tmp_path_factory):
    """The sources of client and photos as one module, as an app builds them in."""
    entry = WEB / "src" / f"try-{uuid.uuid4().hex[:8]}.ts"
    folder = tmp_path_factory.mktemp("photos")
    build = (
        "import { build } from 'vite'; const [entry, outDir] = process.argv.slice(1);"
        "await build({ configFile: false, logLevel: 'error', publicDir: false, build: { outDir, emptyOutDir: true,"
        " lib: { entry, formats: ['es'], fileName: () => 'app.js' } } });"
    )
    try:
        entry.write_text(APP)
        subprocess.run(
            ["node", "--input-type=module", "-e", build, str(entry), str(folder)], cwd=WEB, env=tool.env, check=True
        )
    finally:
        entry.unlink()
    return folder / "app.js"


@pytest.fixture
def open_tab(server, program):
    """Opens the page in a browser context."""

    def answer(route, request):
        if request.url.endswith("/try/app.js"):
            return route.fulfill(path=program, content_type="text/javascript")
        return route.fulfill(body=PAGE, content_type="text/html")

    def tab(context):
        context.route("**/try/**", answer)
        page = context.new_page()
        page.goto(f"{server.url}/try/app")
        page.wait_for_function("() => window.uploader !== undefined")
        return page

    return tab


@pytest.fixture
def page(chromium, open_tab):
    context = chromium.new_context()
    yield open_tab(context)
    context.close()


def photo(size, *, orientation=1, kind="JPEG"):
    """A picture, red at its top left as it is stored, with a place and a maker in it."""
    image = Image.new("RGB", size, "white")
    image.paste("red", (0, 0, size[0] // 2, size[1] // 2))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "MAKER OF PHONES"
    exif.get_ifd(0x8825)[1] = "N"
    file = io.BytesIO()
    image.save(file, kind, exif=exif, quality=95)
    return file.getvalue()


def made(page, content):
    told = page.evaluate(TO_PICTURE, base64.b64encode(content).decode())
    return told, base64.b64decode(told["content"])


def corner(image):
    """Which quarter is red: (right, lower)."""
    width, height = image.size
    for right in (0, 1):
        for lower in (0, 1):
            red, green, _ = image.getpixel(((2 * right + 1) * width // 4, (2 * lower + 1) * height // 4))
            if red > 200 and green < 55:
                return right, lower
    return None


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [(1, (0, 0)), (2, (1, 0)), (3, (1, 1)), (4, (0, 1)), (5, (0, 0)), (6, (1, 0)), (7, (1, 1)), (8, (0, 1))],
)
def test_a_photo_is_upright_small_and_without_a_word_about_its_maker(page, orientation, expected):
    told, content = made(page, photo((3000, 2000), orientation=orientation))
    image = Image.open(io.BytesIO(content))
    size = (2048, 1365) if orientation < 5 else (1365, 2048)
    assert image.format == "JPEG"
    assert image.size == (told["width"], told["height"]) == size
    assert corner(image) == expected
    assert dict(image.getexif()) == {}
    assert not any(word in content for word in (b"MAKER", b"Exif", b"http://ns.adobe.com"))


def test_a_small_picture_keeps_its_size_and_what_is_see_through_becomes_white(page):
    file = io.BytesIO()
    Image.new("RGBA", (300, 200), (0, 0, 0, 0)).save(file, "PNG")
    _, content = made(page, file.getvalue())
    image = Image.open(io.BytesIO(content))
    assert (image.size, image.getpixel((150, 100))) == ((300, 200), (255, 255, 255))


def test_what_is_no_picture_is_named(page):
    assert page.evaluate(TO_PICTURE, base64.b64encode(b"nothing of the kind").decode())["error"]


def test_a_browser_that_is_killed_goes_on_from_what_the_server_has(chromium, open_tab, control, tmp_path):
    profile = tmp_path / "profile"

    def browser():
        return chromium.browser_type.launch_persistent_context(profile, **chromium_options())

    control.control.worker("killed", ["west"])
    code, record, file = control.control.code("killed")["code"], str(uuid.uuid4()), str(uuid.uuid4())
    content = photo((1600, 1200)) + bytes(600_000)
    first = browser()
    tab = open_tab(first)
    tab.evaluate(ENROL, code)
    tab.evaluate(TAKE, [base64.b64encode(content).decode(), file, record])
    tab.evaluate("void new Uploader(client, photos, { chunk_bytes: 4096 }).send().catch(() => undefined)")
    before = tab.evaluate(UNDER_WAY, file)
    kill(profile)
    second = browser()
    tab = open_tab(second)
    sent = tab.evaluate(f"photos.get('{file}')")
    assert sent["state"] == "waiting"
    assert 100_000 < before <= sent["sent"] < len(content), "what was noted is noted, and it was killed in the middle"
    assert tab.evaluate("uploader.send()") == {"uploaded": 1, "refused": 0}
    second.close()
    assert list(control.control.files(record)) == [file]


def kill(profile):
    """Kill -9 the browser of this profile, and what it started."""
    of_it = f"--user-data-dir={profile}"
    first = [each for each in psutil.process_iter(["cmdline"]) if of_it in (each.info["cmdline"] or ())]
    family = {each for one in first for each in (one, *one.children(recursive=True))}
    assert family
    for each in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(family, timeout=20)
