"""What is missing and how it is had. A stand-in apt-get plays Debian's archive: it writes down what it is asked."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.launch import cluster, packages
from server.launch.errors import LaunchError

APT_GET = """#!/bin/sh
echo "$@" >> "{log}"
case "$*" in *install*) touch "{installed}" ;; esac
exit {code}
"""
APT_CACHE = "#!/bin/sh\nprintf 'postgresql\\n  Depends: postgresql-{major}\\n'\n"


@pytest.fixture
def machine(tmp_path, monkeypatch, home):
    """A PATH with nothing but what a test puts there."""
    tools = tmp_path / "bin"
    tools.mkdir()
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("PATROL_HOME", str(home.path))

    def put(name, text):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)

    for name in ("sh", "touch", "env", "printf"):
        (tools / name).symlink_to(shutil.which(name, path=os.defpath))
    return put


def apt(machine, tmp_path, *, major=15, code=0):
    machine("apt-get", APT_GET.format(log=tmp_path / "log", installed=tmp_path / "installed", code=code))
    machine("apt-cache", APT_CACHE.format(major=major))
    # As a user without root's rights would; as root it is not called.
    machine("sudo", '#!/bin/sh\nexec "$@"\n')


def server(tmp_path):
    def found():
        return "here" if (tmp_path / "installed").exists() else None

    return packages.Requirement("PostgreSQL + PostGIS", found, packages.SERVERS[0].apt)


def test_nothing_is_installed_where_nothing_is_missing(machine, tmp_path):
    apt(machine, tmp_path)
    (tmp_path / "installed").touch()
    packages.ensure([server(tmp_path)])
    assert not (tmp_path / "log").exists()


def test_missing_packages_are_installed_with_apt(machine, tmp_path):
    apt(machine, tmp_path, major=16)
    packages.ensure([server(tmp_path)])
    first, second = (tmp_path / "log").read_text().splitlines()
    assert first == "update"
    assert second.endswith("postgresql-16 postgresql-16-postgis-3")
    assert "--no-install-recommends" in second


def test_two_launchers_install_one_after_the_other(machine, tmp_path):
    apt(machine, tmp_path)
    text = (tmp_path / "bin/apt-get").read_text()
    busy = f"mkdir {tmp_path}/busy || exit 100\nsleep 0.3\nrmdir {tmp_path}/busy\n"
    machine("apt-get", text.replace("#!/bin/sh\n", "#!/bin/sh\n" + busy))
    for name in ("mkdir", "sleep", "rmdir"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name, path=os.defpath))
    with ThreadPoolExecutor(2) as launchers:
        list(launchers.map(packages.ensure, [[server(tmp_path)]] * 2))
    assert len((tmp_path / "log").read_text().splitlines()) == 2, "the other finds everything there"


def test_a_distribution_whose_postgresql_is_too_old_is_told_where_a_newer_one_is(machine, tmp_path):
    apt(machine, tmp_path, major=13)
    with pytest.raises(LaunchError, match="offers PostgreSQL 13") as caught:
        packages.ensure([server(tmp_path)])
    assert "apt.postgresql.org.sh" in caught.value.remedy


def test_an_apt_that_fails_is_told_with_the_exact_command(machine, tmp_path):
    apt(machine, tmp_path, code=100)
    with pytest.raises(LaunchError, match="exit code 100") as caught:
        packages.ensure([server(tmp_path)])
    assert "sudo apt-get install -y postgresql-15 postgresql-15-postgis-3" in caught.value.remedy


def test_a_machine_without_apt_and_brew_is_told_of_the_other_ways(machine, tmp_path):
    with pytest.raises(LaunchError) as caught:
        packages.ensure([server(tmp_path)])
    for way in ("DATABASE_URL", "REDIS_URL", "docker compose up", "PostGIS"):
        assert way in caught.value.remedy


def test_the_newest_postgresql_with_postgis_is_chosen(tmp_path, monkeypatch):
    folders = []
    for major, postgis in ((14, True), (15, True), (16, True), (17, False)):
        folder = tmp_path / str(major) / "bin"
        folder.mkdir(parents=True)
        (folder / "initdb").touch()
        share = tmp_path / str(major) / "share" / "extension"
        share.mkdir(parents=True)
        if postgis:
            (share / "postgis.control").touch()
        folders.append(folder)
    monkeypatch.setattr(cluster, "_candidates", lambda: folders)
    assert cluster.binaries() == folders[2]
    assert cluster.binaries(15) == folders[1]
    assert cluster.binaries(14) is None


def test_the_browser_that_takes_less_is_installed_beside_another_where_apt_has_it(machine):
    [chromium] = [each for each in packages.BROWSER if each.name == "Chromium"]
    machine("chromium", "#!/bin/sh\n")
    assert chromium.found().endswith("/chromium"), "another will do where there is no better one"
    machine("apt-cache", "#!/bin/sh\n")
    assert (chromium.found() is not None, chromium.apt()) == (True, ("chromium",))
    machine("apt-cache", "#!/bin/sh\necho Package: $2\n")
    assert (chromium.found(), chromium.apt()) == (None, ("chromium-headless-shell",))
    machine("chromium-headless-shell", "#!/bin/sh\n")
    assert chromium.found().endswith("/chromium-headless-shell")
