"""What is said of locked packages is honest: what could not be asked is never taken for sound."""

import json
from pathlib import Path

import pytest

from server.launch import audit
from server.launch.audit import Audited, npm_locks, read_npm_audit, read_pip_audit, verdict
from server.launch.state import CHECKOUT

LOCK = CHECKOUT / "requirements.lock"
SOUND = {"name": "flask", "version": "3.1.2", "vulns": []}
SKIPPED = {"name": "click", "skip_reason": "Dependency not found on PyPI and could not be audited: click (8.3.1)"}
FAULTY = {
    "name": "pillow", "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"], "description": "reads too much", "aliases": []}],
}  # fmt: skip
FAULTY_NPM = {
    "vulnerabilities": {
        "lodash": {
            "name": "lodash", "severity": "high", "via": [{"title": "Prototype pollution"}], "range": "<4.17.12",
            "fixAvailable": {"name": "lodash", "version": "4.17.21"},
        },
        "other": {"name": "other", "severity": "low", "via": ["lodash"], "range": "*", "fixAvailable": False},
    }
}  # fmt: skip


def told(*dependencies):
    return read_pip_audit(LOCK, json.dumps({"dependencies": dependencies}))


def test_sound_packages_are_sound():
    assert verdict([told(SOUND), read_npm_audit(LOCK, json.dumps({"vulnerabilities": {}}))]) == 0


@pytest.mark.parametrize(
    "found",
    [
        told(SOUND, SKIPPED),
        read_pip_audit(LOCK, ""),
        read_pip_audit(LOCK, "[]"),
        read_npm_audit(LOCK, ""),
        read_npm_audit(LOCK, json.dumps({"message": "405 Method Not Allowed", "statusCode": 405})),
    ],
)
def test_what_could_not_be_asked_is_not_sound(found):
    assert found.not_asked
    assert verdict([told(SOUND), found]) == 2


def test_a_known_fault_is_told_with_the_version_that_has_it_no_more():
    found = told(SOUND, FAULTY, SKIPPED)
    (fault,) = found.faults
    assert str(fault) == "pillow 1.0  PYSEC-1  修复于 mended in 1.1"
    assert verdict([found, Audited(LOCK, not_asked=["away"])]) == 1
    assert [each.package for each in read_npm_audit(LOCK, json.dumps(FAULTY_NPM)).faults] == ["lodash", "other"]


def test_every_lock_file_of_the_checkout_is_asked_about(monkeypatch):
    asked = []
    monkeypatch.setattr(audit, "_of_python", lambda lock: asked.append(lock) or Audited(lock))
    monkeypatch.setattr(audit, "_of_npm", lambda lock: asked.append(lock) or Audited(lock, not_asked=["away"]))
    assert audit.audit() == 2
    assert {LOCK, CHECKOUT / "server/web/package-lock.json"} <= set(asked)
    assert set(npm_locks(CHECKOUT)) == set(asked) - {LOCK}
    assert not any("node_modules" in Path(lock).parts for lock in asked)


def test_a_machine_without_a_network_says_so(monkeypatch):
    monkeypatch.setattr(audit, "_run", lambda *_, **__: None)
    assert audit.audit() == 2
