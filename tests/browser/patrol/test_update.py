"""A new version of the app comes while something is entered: it waits, nothing is lost, and then it is taken."""

import contextlib
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.patrol.conftest import PHONE, App

WORKER = "/patrol-worker.js"
OF_THE_LINE = {"connection", "transfer-encoding", "keep-alive"}


class Front(BaseHTTPRequestHandler):
    """Passes everything on to the site, and says another program of the service worker once there is a new version."""

    def pass_on(self):
        site = urlsplit(self.server.site)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = {name: value for name, value in self.headers.items() if name.lower() not in OF_THE_LINE}
        if self.path == WORKER:
            asked = {"Host": self.headers["Host"]}
        line = http.client.HTTPConnection(site.hostname, site.port)
        line.request(self.command, self.path, body or None, asked)
        answer = line.getresponse()
        newer = b"\n// a newer version\n" if self.path == WORKER and self.server.is_newer else b""
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in OF_THE_LINE | ({"content-length"} if newer else set()):
                self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):  # the page has gone
            while part := answer.read1(65_536):
                self.wfile.write(part)
                self.wfile.flush()
            self.wfile.write(newer)
        line.close()

    do_GET = do_POST = do_PATCH = do_HEAD = do_DELETE = pass_on  # noqa: N815  # by the methods' names

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def front(site):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    server.site, server.is_newer, server.daemon_threads = site, False, True
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_new_version_that_comes_within_an_entry_waits_for_it_and_loses_nothing(visit, worker, front, looked_at):
    app = App(visit(PHONE, at=f"http://127.0.0.1:{front.server_port}", has_touch=True), worker)
    page = app.page
    app.enrol()
    app.worker_ready()
    page.reload()
    app.unlock()
    page.get_by_role("link", name="上报", exact=True).click()
    page.get_by_label("说明").fill("灯不亮")
    page.evaluate("window.stays = true")
    front.is_newer = True
    page.evaluate("navigator.serviceWorker.getRegistration('/patrol').then((registered) => registered.update())")
    expect(page.get_by_text("等您填完这一条就换上")).to_be_visible()
    looked_at(page, "update-waits")
    page.get_by_label("找类别").fill("ld")
    page.get_by_role("group", name="是哪一种").get_by_role("button", name="路灯").click()
    page.get_by_label("或写地址").fill("西门路 36 号")
    assert page.evaluate("window.stays"), "the page was not loaded anew under the worker"
    expect(page.get_by_label("说明")).to_have_value("灯不亮")
    page.get_by_role("main").get_by_role("button", name="上报", exact=True).click()
    expect(page.get_by_role("heading", name="路灯")).to_be_visible()
    page.get_by_role("button", name="现在换上").click()
    expect(page.get_by_label("密码", exact=True)).to_be_visible()
    assert page.evaluate("window.stays") is None, "the new version is there"
    app.unlock()
    app.all_sent()
    assert [issue.doc["description"] for issue in worker.written("issue")] == ["灯不亮"]
    assert worker.operations() == {"applied": 1}
