"""A phone as the tests know it: it numbers its operations, sends batches and keeps what it pulls."""

import datetime as dt
import uuid
from dataclasses import dataclass, field

from sqlalchemy import text

from sync.access.devices import issue_code


@dataclass
class Phone:
    client: object
    token: str
    device_id: str
    login: str
    scope: dict
    seq: int = 0
    cursor: str | None = None
    held: dict = field(default_factory=dict)
    outcomes: list = field(default_factory=list)

    @classmethod
    def enrolled(cls, client, session, login):
        person = session.scalar(text("SELECT id FROM person WHERE login = :login"), {"login": login})
        code, _ = issue_code(session, person, now=dt.datetime.now(dt.UTC), ttl=dt.timedelta(hours=1))
        session.commit()
        answer = client.post(
            "/v1/devices",
            json={"code": code, "device": {"name": "p", "platform": "test", "app_version": "1.0.0"}},
        )
        assert answer.status_code == 201, answer.text
        told = answer.json
        return cls(client, told["token"], told["device_id"], login, told["scope"])

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.token}"}

    def op(self, collection, data=None, *, action="put", id=None, base=None, captured_at=None, op_id=None, seq=None):  # noqa: A002
        self.seq += 1
        moment = captured_at or dt.datetime.now(dt.UTC)
        return {
            "op_id": str(op_id or uuid.uuid4()),
            "seq": seq or self.seq,
            "collection": collection,
            "id": str(id or uuid.uuid4()),
            "action": action,
            "base": base,
            "captured_at": moment if isinstance(moment, str) else moment.isoformat(),
            "data": {} if data is None else data,
        }

    def issue(self, at=(114.305, 25.685), *, category="0301", **more):
        rest = {key: more.pop(key) for key in ("id", "base", "captured_at", "op_id", "seq") if key in more}
        return self.op("issues", {"category": category, "location": {"lon": at[0], "lat": at[1]}, **more}, **rest)

    def visit(self, at=(114.305, 25.685), *, outcome="met", **more):
        rest = {key: more.pop(key) for key in ("id", "base", "captured_at", "op_id", "seq") if key in more}
        return self.op("visits", {"outcome": outcome, "location": {"lon": at[0], "lat": at[1]}, **more}, **rest)

    def patch(self, collection, record_id, base, **data):
        return self.op(collection, data, action="patch", id=record_id, base=base)

    def envelope(self, *ops, sent_at=None):
        moment = sent_at or dt.datetime.now(dt.UTC)
        return {"batch_id": str(uuid.uuid4()), "sent_at": moment.isoformat(), "ops": list(ops)}

    def send(self, *ops, sent_at=None, **headers):
        return self.client.post(
            "/v1/sync/push", json=self.envelope(*ops, sent_at=sent_at), headers=self.headers | headers
        )

    def push(self, *ops, sent_at=None):
        answer = self.send(*ops, sent_at=sent_at)
        assert answer.status_code == 200, answer.text
        return answer.json["results"]

    def page(self, **query):
        asked = {"cursor": self.cursor} if self.cursor else {}
        answer = self.client.get("/v1/sync/pull", query_string=asked | query, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json

    def pull(self, **query):
        """Pull to the end; return all changes of the pull. ``held`` is what the phone then holds."""
        changes = []
        more = True
        while more:
            page = self.page(**query)
            self.take(page)
            more = page["has_more"]
            changes += page["changes"]
        return changes

    def take(self, page):
        """Take over a page: changes, outcomes and the cursor, together."""
        self.cursor = page["cursor"]
        self.outcomes += page["outcomes"]
        ids = [(change["collection"], change["id"]) for change in page["changes"]]
        assert len(ids) == len(set(ids)), "one record appears once in a page"
        for change in page["changes"]:
            key = (change["collection"], change["id"])
            if change["action"] == "put":
                self.held[key] = change
            else:
                self.held.pop(key, None)

    def records(self, collection):
        return {key[1]: change for key, change in self.held.items() if key[0] == collection}
