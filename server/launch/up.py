"""The walk of `./patrol up` and `./patrol down`: from a bare machine to a patrol that answers, and back.

Owns the order of the steps; each step belongs to a module of its own.
"""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from urllib.error import URLError
from urllib.request import urlopen

from server.launch import (
    installation,
    local_tls,
    nginx,
    packages,
    pages_build,
    ports,
    processes,
    programs,
    running,
    services,
    stopping,
    supervise,
)
from server.launch.account import application_account, front_account, owned, servers_folder, web_sockets_folder
from server.launch.errors import LaunchError
from server.launch.local_tls import LocalTls
from server.launch.progress import run_logged, say, step, tail
from server.launch.state import CHECKOUT, Home

USUAL_PORT = 8000
READY_WITHIN_S = 60
CRASHES_MOST = 2
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Wishes:
    """What the person asked `up` for. `profile` is None for an empty city, `port` None for any.

    `tls`: HTTPS by a certificate of this machine's own, where the environment names none.
    """

    host: str = LOOPBACK
    port: int | None = None
    profile: str | None = "chongyi"
    detach: bool = False
    tls: bool = False


def up(home: Home, wishes: Wishes) -> int:
    """Bring the patrol up, or find that it is; returns when it answers (`detach`) or when it was stopped.

    Raises LaunchError, with nothing left running that did not run before.
    """
    with home.lock():
        # First what would be in vain otherwise.
        _refuse_other_servers(home)
        web = _web_address(home, wishes)
        before = [name for name in running.PROGRAMS if processes.is_kept(home, name)]
        try:
            web, env, tls = _bring_up_where_free(home, wishes, web)
        except BaseException:
            stopping.stop(home, [name for name in running.PROGRAMS if name not in before])
            raise
    _tell(home, web["url"], env)
    if tls is not None:
        local_tls.tell(tls)
    return 0 if wishes.detach else _follow(home)


Up = tuple[dict[str, str], dict[str, str], LocalTls | None]


def _bring_up_where_free(home: Home, wishes: Wishes, web: dict[str, str]) -> Up:
    """Bring it up there, or, where nobody asked for a port and another took this one meanwhile, at one more."""
    try:
        return web, *_bring_up(home, wishes, web)
    except nginx.PortTaken:
        if wishes.port:
            raise
        stopping.stop(home, [name for name in running.PROGRAMS if name not in running.SERVERS])
        web = _web_address(home, wishes)
        return web, *_bring_up(home, wishes, web)


def _bring_up(home: Home, wishes: Wishes, web: dict[str, str]) -> tuple[dict[str, str], LocalTls | None]:
    """The steps from a bare machine to a patrol that answers; returns the environment of its programs."""
    _install()
    addresses = services.start(home)
    pages_build.build()
    quarters = _quarters(home)
    files = {"files_url": os.environ.get("PATROL_FILES_URL") or quarters.files.as_uri()}
    private = {"private": not os.environ.get("DATABASE_URL")}
    home.remember({"addresses": asdict(addresses) | web | files | private})
    env = {**os.environ, **running.environment(home)}
    _migrate(home, env)
    if wishes.profile:
        _load(home, wishes.profile, env)
    tls = local_tls.ensure(home, quarters.account, web["url"]) if web["local_tls"] else None
    _start_programs(home, web, quarters, env, tls)
    _wait_until_ready(home, web["url"])
    if wishes.profile:
        _patrol_for_a_day(home, web["url"], wishes.profile, env)
    return env, tls


def down(home: Home) -> int:
    """Stop the programs first, then what they stand on."""
    with home.lock():
        step("停止", "stopping")
        stopped = stopping.stop(home, running.PROGRAMS)
    say("已停止 · stopped" if stopped else "没有在运行 · nothing was running")
    return 0


def _refuse_other_servers(home: Home) -> None:
    """A running patrol keeps its database: two runs with different ones would mix them up."""
    before = home.read().get("addresses", {})
    moved = before.get("private") != (not os.environ.get("DATABASE_URL"))
    if processes.is_kept(home, running.SUPERVISOR) and before and moved:
        raise LaunchError(
            "巡格正在用另一个数据库运行。", "It already runs on another database (DATABASE_URL).", "./patrol down"
        )


def _install() -> None:
    named = {"PostgreSQL + PostGIS": "DATABASE_URL", "Redis": "REDIS_URL"}
    servers = [one for one in packages.SERVERS if not os.environ.get(named[one.name])]
    packages.ensure([*servers, *packages.FRONT])


def _web_address(home: Home, wishes: Wishes) -> dict[str, str]:
    before = home.read().get("addresses", {})
    if processes.is_kept(home, running.SUPERVISOR) and "bind" in before:
        if wishes.port and not before["bind"].endswith(f":{wishes.port}"):
            raise LaunchError(
                f"巡格已在 {before['url']} 运行。", f"It already runs at {before['url']}.", "./patrol down"
            )
        if wishes.tls and not before["url"].startswith("https:"):
            raise LaunchError("巡格正以 http 运行。", "It already runs, without TLS.", "./patrol down")
        return {"bind": before["bind"], "url": before["url"], "local_tls": before.get("local_tls", "")}
    if wishes.port and not ports.is_free(wishes.port, wishes.host):
        raise LaunchError(
            f"端口 {wishes.port} 已被占用。", f"Port {wishes.port} is taken.", "./patrol up --port ANOTHER"
        )
    port = wishes.port or _usual_port(before.get("bind"), wishes.host)
    name = LOOPBACK if wishes.host == LOOPBACK else _reachable_host(wishes.host)
    name = f"[{name}]" if ":" in name else name
    own = _scheme()
    local = "1" if wishes.tls and own == "http" else ""
    return {"bind": f"{wishes.host}:{port}", "url": f"{'https' if local else own}://{name}:{port}", "local_tls": local}


def _scheme() -> str:
    """How the front is spoken to. Raises LaunchError where a certificate was named that is not there."""
    certificate, key = (os.environ.get(name, "") for name in ("PATROL_TLS_CERT", "PATROL_TLS_KEY"))
    missing = [file or "''" for file in (certificate, key) if not Path(file).is_file()]
    if (certificate or key) and missing:
        raise LaunchError(
            f"找不到证书或密钥文件：{'、'.join(missing)}。",
            f"PATROL_TLS_CERT and PATROL_TLS_KEY both name a file in PEM form; missing: {', '.join(missing)}.",
            "PATROL_TLS_CERT=/path/fullchain.pem PATROL_TLS_KEY=/path/privkey.pem ./patrol up",
        )
    return "https" if certificate else "http"


def _quarters(home: Home) -> programs.Quarters:
    """Account, code and folders of the application; made when missing, and left alone while it runs."""
    account = application_account()
    servers = servers_folder(home, account)
    metrics = servers / "metrics"
    if not processes.is_kept(home, running.SUPERVISOR):
        # Counters of processes that are gone belong to nobody.
        shutil.rmtree(metrics, ignore_errors=True)
    return programs.Quarters(
        account=account,
        installation=installation.for_account(servers, account),
        sockets=programs.sockets_folder(web_sockets_folder(servers, home), account, front_account()),
        files=programs.files_folder(home, servers, account),
        metrics=owned(metrics, account),
    )


def _usual_port(bound_before: str | None, host: str) -> int:
    candidates = [int(bound_before.rpartition(":")[2])] if bound_before else []
    free = (port for port in (*candidates, *range(USUAL_PORT, USUAL_PORT + 20)) if ports.is_free(port, host))
    return next(free, None) or ports.free_port()


def _reachable_host(host: str) -> str:
    """The address that phones in the same network use when the server listens on all of them."""
    if host not in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Sends nothing: it only makes the kernel choose a route.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return LOOPBACK
        name: str = probe.getsockname()[0]
        return name


def _migrate(home: Home, env: dict[str, str]) -> None:
    step("更新数据库结构", "migrating the schema")
    failure = LaunchError("数据库结构更新失败。", "The migrations failed.", "./patrol doctor")
    argv = (sys.executable, "-m", "server.launch.migrate")
    as_owner = {**env, "DATABASE_URL": running.owner_url(home)}
    run_logged(argv, home.logs / "migrate.log", failure, cwd=CHECKOUT, env=as_owner)


def _load(home: Home, profile: str, env: dict[str, str]) -> None:
    mark = {"database": env["DATABASE_URL"].partition("@")[2], "profile": profile}
    if home.read().get("loaded") == mark:
        return
    step("装入示例城市", f"loading the sample city {profile}")
    failure = LaunchError("示例城市装入失败。", "The sample city could not be loaded.", "./patrol up --empty")
    argv = (sys.executable, "-m", "server.cli", "demo", "--profile", profile)
    run_logged(argv, home.logs / "demo.log", failure, cwd=CHECKOUT, env=env, show=".")
    home.remember({"loaded": mark})


_WALK = "import sys; from server.demo import walk_a_day; sys.exit(walk_a_day(url=sys.argv[1]))"


def _patrol_for_a_day(home: Home, url: str, profile: str, env: dict[str, str]) -> None:
    """Let simulated phones walk the sample city once, through the real protocol, so that nothing is empty."""
    mark = {"database": env["DATABASE_URL"].partition("@")[2], "profile": profile}
    if home.read().get("walked") == mark:
        return
    step("模拟一个走访日", "simulating a patrol day over the sample city")
    failure = LaunchError("模拟走访日没有完成。", "The simulated patrol day did not end well.", "./patrol demo --day")
    argv = (sys.executable, "-c", _WALK, url)
    log = home.logs / "patrol-day.log"
    run_logged(argv, log, failure, cwd=CHECKOUT, env=env | local_tls.believed(home), show=".")
    home.remember({"walked": mark})


def _start_programs(
    home: Home, web: dict[str, str], quarters: programs.Quarters, env: dict[str, str], tls: LocalTls | None
) -> None:
    if processes.is_kept(home, running.SUPERVISOR):
        if tls is not None and tls.made.is_new:
            nginx.read_anew(home)
        return
    step("启动网页与后台任务", "starting web, jobs and sweeper")
    # In the sample city the clock runs from the capture: the day's work shows every light at once.
    sample = {"PATROL_DEADLINES_FROM": "capture"} if home.read().get("loaded") else {}
    secure = {"PATROL_SECURE_COOKIES": "1"} if web["url"].startswith("https:") else {}
    daemons = programs.daemons(quarters, {**sample, **secure, **env})
    for daemon in daemons:
        processes.start(home, daemon)
    host, _, port = web["bind"].rpartition(":")
    place = nginx.Place(host, int(port), quarters.behind, quarters.installation.dist)
    nginx.start(home, place, front_account(), {**os.environ, **(tls.env if tls else {})})
    processes.start(home, supervise.daemon(home, dict(daemons[0].env)))


def _wait_until_ready(home: Home, url: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    restarts = processes.look(home, programs.WEB).restarts
    while not _answers(f"{url}/readyz"):
        web, kept = processes.look(home, programs.WEB), processes.is_kept(home, programs.WEB)
        if time.monotonic() > deadline or not kept or web.restarts > restarts + CRASHES_MOST:
            # Stopped first: what the programs said last may still be on its way into the log.
            stopping.stop(home, (running.SUPERVISOR, nginx.NAME, *programs.NAMES))
            log = processes.log_file(home, programs.WEB)
            say(tail(log))
            raise LaunchError("服务没有就绪。", f"{url}/readyz did not answer 200. Log: {log}", "./patrol doctor")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    # The certificate names the public address, and this asks by another.
    own = ssl._create_unverified_context() if url.startswith("https:") else None  # noqa: S323, SLF001
    try:
        with urlopen(url, timeout=5, context=own) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)  # noqa: PLR2004 - OK
    except (URLError, OSError):
        return False


def _tell(home: Home, url: str, env: dict[str, str]) -> None:
    say(f"\n✓ 巡格已就绪 · GridPatrol is ready: {url}\n  地图 map: {url}/map   接口 API: {url}/v1/openapi.json")
    users = running.demo_users(home)
    if users:
        say("\n  示例登录 · demo sign-ins")
    columns = ("role", "login", "password", "area")
    widths = [max(len(user[column]) for user in users) for column in columns] if users else []
    for user in users:
        say(
            "    "
            + "  ".join(user[column].ljust(width) for column, width in zip(columns, widths, strict=True)).rstrip()
        )
    workers = [user["login"] for user in users if user["role"] == "grid_worker"]
    if workers:
        _show_enrolment(workers[0], env)
    say("\n  停止 stop: ./patrol down    状态 status: ./patrol status\n")


def _show_enrolment(worker: str, env: dict[str, str]) -> None:
    argv = (sys.executable, "-m", "server.cli", "enrol", "--worker", worker, "--json")
    answer = subprocess.run(argv, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False)
    if answer.returncode:
        say(f"  (enrol: {answer.stderr.strip()})")
        return
    import segno

    enrolment = json.loads(answer.stdout)
    say(f"\n  手机登记 · enrol a phone for {worker}, until {enrolment['expires_at']}:\n  {enrolment['url']}")
    segno.make(enrolment["url"], micro=False).terminal(out=sys.stderr, compact=True)


def _follow(home: Home) -> int:
    """Show the logs until a signal or the end of the programs; then stop everything."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        with ExitStack() as stack:
            names = [name for name in running.PROGRAMS if processes.is_kept(home, name)]
            logs = {path: stack.enter_context(path.open()) for path in map(partial(processes.log_file, home), names)}
            for log in logs.values():
                log.seek(0, os.SEEK_END)
            while processes.is_kept(home, running.SUPERVISOR):
                for path, log in logs.items():
                    sys.stderr.write(log.read())
                    if path.exists() and os.fstat(log.fileno()).st_ino != path.stat().st_ino:
                        # The other was put aside as too long.
                        logs[path] = stack.enter_context(path.open())
                sys.stderr.flush()
                time.sleep(0.3)
    except KeyboardInterrupt:
        say()
        return down(home)
    say("已被停止 · it was stopped")
    return 0
