"""What a test in another language asks of the city: an HTTP server on loopback with one command a path."""

import base64
import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sqlalchemy import text

from geo.editions.ground import Grounds
from server.accounts.service import enrol_worker
from server.launch.backup import dump, restore
from server.launch.state import CHECKOUT
from sync.access.devices import revoke
from sync.resolution.conflicts import settle_waiting
from tests.cases import city
from tests.emptying import empty
from tests.sync.conftest import HAPPENED

AREAS = {"west": city.WEST, "east": city.EAST}


class Control:
    """The commands. Each takes a JSON object and returns one; one is carried out at a time."""

    def __init__(self, opened, url, folder, environment=None):
        self.opened, self.url, self.folder, self.environment = opened, url, folder, environment
        self.grounds = Grounds()

    def clear(self):
        """Take away what happened, so that one test does not see another's."""
        with self.opened() as session:
            empty(session, HAPPENED)
            session.execute(text("UPDATE feed_counter SET position = 0"))
            # A restore lets revisions begin higher up.
            session.execute(text("UPDATE city_state SET revisions_from = 0"))
        return {}

    def worker(self, login, areas):
        """A worker with areas; whoever had others until now moves to these."""
        with self.opened() as session:
            told = {"login": login}
            session.execute(
                text("INSERT INTO person (login, name) VALUES (:login, :login) ON CONFLICT DO NOTHING"), told
            )
            ended = session.execute(
                text("""
                    UPDATE assignment SET during = tstzrange(lower(during), now()) FROM person
                    WHERE person.id = person_id AND login = :login AND upper_inf(during)
                """),
                told,
            )
            since = "now" if ended.rowcount else "2026-01-01"
            for area in areas:
                session.execute(
                    text("""
                        INSERT INTO assignment (person_id, role, area_id, during)
                        SELECT person.id, 'grid_worker', area.id, tstzrange(CAST(:since AS timestamptz), NULL)
                        FROM person, area WHERE login = :login AND area.code = :code
                    """),
                    told | {"code": AREAS[area], "since": since},
                )
        return {}

    def code(self, login):
        with self.opened() as session:
            code = enrol_worker(session, login, now=datetime.now(UTC), ttl=timedelta(hours=1))
        return {"code": code.text}

    def settle(self):
        """Do what the merge job does, until nothing waits."""
        count = 0
        while True:
            with self.opened() as session:
                done = settle_waiting(
                    session, datetime.now(UTC), lambda moment: self.grounds.at(session, 1, moment),
                    limit=500, hold_for=timedelta(hours=24), near_m=50.0,
                )  # fmt: skip
            count += done.operations
            if not done.operations:
                return {"operations": count}

    def revoke(self, device, wipe):
        with self.opened() as session:
            revoke(session, device, wipe=wipe, now=datetime.now(UTC))
        return {}

    def wiped(self, device):
        with self.opened() as session:
            at = session.scalar(text("SELECT wiped_at FROM device WHERE uid = :device"), {"device": device})
        return {"wiped": at is not None}

    def dump(self):
        dump(self.url, self.folder / "city.dump")
        return {}

    def restore(self):
        restore(self.url, self.folder / "city.dump")
        return {}

    def log(self, device):
        """Every operation of a device: op_id -> status, and how many rows there are."""
        with self.opened() as session:
            rows = session.execute(
                text("""
                    SELECT op_id, status FROM operation JOIN device ON device.id = device_id WHERE device.uid = :device
                """),
                {"device": device},
            ).all()
        return {"count": len(rows), "status": {str(row.op_id): row.status for row in rows}}

    def hand_in(self, file):
        """Take in an outbox file (base64), as `./patrol import-outbox` does; return its exit code and what it says."""
        (self.folder / "day.outbox").write_bytes(base64.b64decode(file))
        call = "import sys; from server.commands.outboxes import import_outbox as f; sys.exit(f(file=sys.argv[1]))"
        done = subprocess.run(
            [sys.executable, "-c", call, str(self.folder / "day.outbox")],
            env=self.environment, cwd=CHECKOUT, check=False, capture_output=True, text=True,
        )  # fmt: skip
        return {"code": done.returncode, "said": done.stdout + done.stderr}

    def files(self, record):
        """The attachments of a record: id -> SHA-256 of what was sent, and the bond."""
        with self.opened() as session:
            rows = session.execute(
                text("SELECT id, doc ->> 'sha256', bond FROM attachment WHERE record_id = :id"), {"id": record}
            ).all()
        return {str(row[0]): [row[1], row[2]] for row in rows}

    def expire(self, file, gone):
        """Let an upload be a month old; ``gone``: it was taken out meanwhile."""
        act = (
            "DELETE FROM upload" if gone else "UPDATE upload SET touched_at = now() - interval '30 days', writer = NULL"
        )
        with self.opened() as session:
            session.execute(text(f"{act} WHERE id = :id"), {"id": file})  # one of two
        return {}

    def spoil(self, record):
        """Change a record behind the feed's back, as no part of the server does."""
        with self.opened() as session:
            session.execute(text("UPDATE visit SET rev = rev + 1 WHERE id = :id"), {"id": record})
        return {}


class ControlServer(ThreadingHTTPServer):
    """Serves a control on a free port of loopback, from a thread."""

    daemon_threads = True

    def __init__(self, control):
        super().__init__(("127.0.0.1", 0), _Commands)
        self.control, self.lock = control, threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Commands(BaseHTTPRequestHandler):
    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        with self.server.lock:
            answer = json.dumps(getattr(self.server.control, self.path[1:])(**told)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass
