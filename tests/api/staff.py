"""Somebody of the staff in a browser: signed in, with the session's CSRF token on what changes things."""

import datetime as dt
import secrets
from dataclasses import dataclass

from server.accounts.service import add_person


@dataclass
class Desk:
    client: object
    csrf: str
    login: str

    @classmethod
    def of(cls, app, session, role, place, login=None):
        login, password = login or f"s-{secrets.token_hex(4)}", secrets.token_urlsafe(12)
        add_person(session, login, role=role, place=place, password=password, now=dt.datetime.now(dt.UTC))
        session.commit()
        client = app.test_client()
        answer = client.post("/v1/session", json={"login": login, "password": password})
        assert answer.status_code in (200, 201), answer.text
        return cls(client, answer.json["csrf"], login)

    def get(self, path, **query):
        return self.client.get(path, query_string=query)

    def post(self, path, sent=None):
        return self.client.post(path, json=sent or {}, headers={"X-CSRF-Token": self.csrf})
