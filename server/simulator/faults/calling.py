"""A body's own system: it calls back what its people did, signed, over lines that fail; and as others would like to.

Owns the secrets that it signs with, and what it was answered. A call that was answered has that answer for good, until
a restore has taken it back: then the system sends it again, and it is done or explained anew.
"""

import base64
import datetime as dt
import io
import json
import threading
import time
import uuid
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import requests
from PIL import Image
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from server.cases.case_event import STEPS
from server.cases.delivery import endpoints
from server.simulator.faults.casework import BY_BODY, cases_of, given_for
from server.simulator.faults.world import Broken, World

_PATIENCE_S: Final = 20.0
_IN_TROUBLE: Final = frozenset({429, 500, 502, 503, 504})
# Nobody is there (RFC 5737): what is sent to it goes wrong, as it does with many bodies.
_URL: Final = "https://192.0.2.7/hook"
_KEPT: Final = 400


def _small_photo() -> str:
    shot = io.BytesIO()
    Image.new("RGB", (48, 32), (90, 120, 90)).save(shot, "JPEG")
    return base64.b64encode(shot.getvalue()).decode()


_PHOTO: Final = _small_photo()


@dataclass(slots=True)
class Call:
    """One call. ``answer``: the first, None while there is none; ``restores``: how many there were when it came."""

    call_id: str
    body: bytes
    steps: tuple[str, ...]
    answer: bytes | None = None
    restores: int = 0

    @property
    def results(self) -> list[dict[str, Any]]:
        """What became of each step."""
        return [] if self.answer is None else list(json.loads(self.answer)["results"])


@dataclass(slots=True)
class Caller:
    """The system of one body (by code), beside ``others``. ``calls``: what it sent and was, or will be, answered."""

    world: World
    body: str
    others: tuple[str, ...]
    chance: Random
    calls: list[Call] = field(default_factory=list)
    _secret: str = ""
    _web: requests.Session = field(default_factory=requests.Session)

    def work(self, rest: threading.Event) -> None:
        """Call, one time after the other, until it is time to rest."""
        self._web.trust_env = False
        while not rest.is_set():
            self.step()
            rest.wait(self.chance.uniform(0, self.world.plan.pause_s))

    def step(self) -> None:
        """Call something, hand in again what was called, or try what must not be let in."""
        roll = self.chance.random()
        if roll < 0.55:  # noqa: PLR2004  # shares of a system's day, one after the other
            self._call()
        elif roll < 0.75 and self.calls:  # noqa: PLR2004
            self._send(self.chance.choice(self.calls[-20:]))
        elif roll < 0.8:  # noqa: PLR2004
            self._secret = ""
        else:
            self._attack()

    def come_home(self) -> None:
        """Have an answer to everything; of what a restore took back, a new one."""
        for call in self.calls:
            if call.answer is None or call.restores < len(self.world.restores):
                self._send(call)

    def _call(self) -> None:
        cases = cases_of(self.world, self.body)
        if not cases:
            return
        steps = []
        for _ in range(self.chance.choice((1, 1, 1, 3, 8))):
            issue_id, state = self.chance.choice(cases)
            legal = BY_BODY.get(state, ())
            anything = not legal or self.chance.random() < 0.2  # noqa: PLR2004  # systems make mistakes too
            steps.append(self._step(issue_id, self.chance.choice(STEPS[1:] if anything else legal)))
        self.calls = [*self.calls[-_KEPT:], self._made(steps)]
        self._send(self.calls[-1])

    def _step(self, issue_id: str, step: str) -> dict[str, Any]:
        return {"id": self._new_id(), "issue_id": issue_id, "step": step, **given_for(step, self.chance)}

    def _made(self, steps: list[dict[str, Any]]) -> Call:
        """Return a call of these steps with the photos that they name; one in ten forgets to send them."""
        named = [(photo, each["issue_id"]) for each in steps for photo in each.get("photos", ())]
        if self.chance.random() < 0.1:  # noqa: PLR2004
            named = []
        photos = [{"id": photo, "issue_id": issue_id, "content": _PHOTO} for photo, issue_id in named]
        body = json.dumps({"steps": steps, "photos": photos})
        return Call(self._new_id(), body.encode(), tuple(each["id"] for each in steps))

    def _send(self, call: Call) -> None:
        """Send a call until it is answered; twice at times. What was answered must be answered the same."""
        ends = time.monotonic() + self.world.plan.settle_s
        while True:
            known = len(self.world.restores)
            settled = self.world.restores_begun == known
            answer = self._post(call)
            if answer is not None and answer.status_code == requests.codes.ok:
                return self._take(call, answer.content, known if settled else -1)
            if answer is not None and answer.status_code == requests.codes.unauthorized:
                self._secret = ""
            elif answer is not None and answer.status_code == requests.codes.conflict and self._was_restored(call):
                # A restore had taken it back, and what the attacker sent under its id came first.
                call.call_id = self._new_id()
            elif answer is not None and answer.status_code not in _IN_TROUBLE:
                raise Broken("callback", f"{self.body}: {call.call_id} is answered {answer.status_code}: {answer.text}")
            if time.monotonic() > ends:
                raise Broken("callback", f"{self.body}: {call.call_id} is not answered in {self.world.plan.settle_s} s")
            time.sleep(self.chance.uniform(0.05, 0.6))

    def _was_restored(self, call: Call) -> bool:
        return self.world.restores_begun > max(call.restores, 0)

    def _take(self, call: Call, answer: bytes, restores: int) -> None:
        self.world.count("calls_answered")
        told = {each["id"] for each in json.loads(answer)["results"]}
        if told != set(call.steps):
            raise Broken("callback", f"{self.body}: {call.call_id} of {call.steps} is answered {answer.decode()}")
        same_database = restores == call.restores == len(self.world.restores) == self.world.restores_begun
        if call.answer not in (None, answer) and same_database:
            raise Broken("callback", f"{self.body}: {call.call_id} was answered {call.answer!r}, then {answer!r}")
        call.answer, call.restores = answer, restores

    def _attack(self) -> None:
        """Call as a stranger, another body, too late, or with another body under an id: nothing of it is let in."""
        victim = self.chance.choice(self.others)
        cases = cases_of(self.world, victim)
        if not cases:
            return
        issue_id, state = self.chance.choice(cases)
        call = self._made([self._step(issue_id, self.chance.choice(BY_BODY.get(state, ("escalate",))))])
        kind = self.chance.choice(("foreign secret", "late", "early", "no secret", "foreign case", "id reused"))
        if kind == "id reused" and self.calls and self.calls[-1].answer is not None:
            call.call_id = self.calls[-1].call_id
        elif kind == "id reused":
            return
        at = dt.datetime.now(dt.UTC) + {"late": dt.timedelta(minutes=-7), "early": dt.timedelta(minutes=7)}.get(
            kind, dt.timedelta(0)
        )
        body = self.body if kind in ("late", "early", "foreign case", "id reused") else victim
        secret = "whsec_" + "A" * 44 if kind == "no secret" else None
        answer = self._post(call, to=body, at=at, secret=secret)
        if answer is None or answer.status_code in _IN_TROUBLE:
            return
        self.world.count("hostile_calls")
        if answer.ok and any(each["status"] == "taken" for each in answer.json()["results"]):
            raise Broken("callback", f"{self.body}: a call with {kind} was taken: {call.body.decode()}")

    def _post(
        self, call: Call, *, to: str | None = None, at: dt.datetime | None = None, secret: str | None = None
    ) -> requests.Response | None:
        moment, own = at or dt.datetime.now(dt.UTC), secret or self._own_secret()
        if not own:
            return None
        headers = {
            "Content-Type": "application/json",
            "webhook-id": call.call_id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(own).sign(call.call_id, moment, call.body.decode()),
        }
        url = f"{self.world.plan.url}/v1/callbacks/{to or self.body}"
        try:
            return self._web.post(url, data=call.body, headers=headers, timeout=_PATIENCE_S)
        except requests.RequestException:
            return None

    def _own_secret(self) -> str:
        """Return the secret; a new one where there is none, or a restore knows another."""
        if not self._secret:
            try:
                with Session(self.world.engine) as session, session.begin():
                    saved = endpoints.save(
                        session, self.body, _URL, seal_with=endpoints.seal(self.world.plan.secret_key),
                        now=dt.datetime.now(dt.UTC), rotate=True,
                    )  # fmt: skip
                self._secret = saved.secret or ""
                self.world.count("secrets_made")
            except OperationalError:
                return ""
        return self._secret

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))
