"""The commands of `./patrol`: names, options and nothing else.

Each command imports what it needs when it runs, and no web framework is imported here, so that `./patrol --help`
and the test loop start at once. A command's work is a function elsewhere that takes the options as keyword arguments
and returns the exit code.
"""

import json
import os
import sys
from importlib import import_module
from typing import Any

import click

from server.launch.errors import LaunchError
from server.launch.state import Home

PASS_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}


class Commands(click.Group):
    """The group; it shows a LaunchError as text instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what it returns is the exit code."""
        try:
            code = super().invoke(ctx)
        except LaunchError as error:
            click.echo(f"✗ {error}", err=True)
            code = 1
        ctx.exit(code or 0)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order in which they are needed, not by the alphabet."""
        return list(self.commands)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def patrol() -> None:
    """巡格 GridPatrol：离线优先的网格走访同步服务 · offline-first sync for grid patrol."""


@patrol.command()
@click.option("--detach", is_flag=True, help="就绪后返回 · return when it answers, and leave it running")
@click.option("--host", default="127.0.0.1", show_default=True, help="监听地址 · 0.0.0.0 lets phones in")
@click.option("--port", type=click.IntRange(1, 65535), help="端口 · default 8000 or the next free one")
@click.option("--profile", default="chongyi", show_default=True, help="示例城市 · sample city to load")
@click.option("--empty", is_flag=True, help="不装示例数据 · no sample data")
def up(*, detach: bool, host: str, port: int | None, profile: str, empty: bool) -> int:
    """安装并启动一切 · install and start everything."""
    from server.launch.up import Wishes
    from server.launch.up import up as bring_up

    return bring_up(Home.of_patrol(), Wishes(host, port, None if empty else profile, detach))


@patrol.command()
def down() -> int:
    """停止 · stop what `up` started."""
    from server.launch.up import down as bring_down

    return bring_down(Home.of_patrol())


@patrol.command()
@click.option("--json", "as_json", is_flag=True)
def status(*, as_json: bool) -> int:
    """地址、示例登录与进程 · addresses, demo sign-ins, processes. Exit code 3 when it is not running."""
    from server.launch import running

    found = running.status(Home.of_patrol())
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return 0
    click.echo(f"{found['url'] or '-'}   {'运行中 running' if found['running'] else '未运行 not running'}")
    for process in found["processes"]:
        click.echo(f"  {process['name']:<12} {process['state']:<12} {process['pid'] or ''}")
    return 0 if found["running"] else 3


@patrol.command(context_settings=PASS_ON)
@click.option("--keep", is_flag=True, help="测试后保留服务 · leave the tests' servers running (fast loop)")
@click.option("--stop", is_flag=True, help="停止保留的服务 · stop servers that were kept, and run nothing")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def test(*, keep: bool, stop: bool, pytest_arguments: tuple[str, ...]) -> int:
    """运行全部检查与测试 · every check and test; with pytest's arguments, only those tests."""
    if stop:
        from server.launch import services

        services.stop_kept(Home.of_tests())
        return 0
    from server.launch.testing import run_tests

    return run_tests(pytest_arguments, keep=keep)


@patrol.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True)
def bench(*, name: str | None, as_json: bool) -> int:
    """性能对照 · ours beside its floor, in one run."""
    from server.launch.testing import with_test_services

    return with_test_services("tests.bench.run", name=name, as_json=as_json)


@patrol.command()
def doctor() -> int:
    """检查环境并给出办法 · check each thing and name the remedy."""
    from server.launch.doctor import report

    return report(Home.of_patrol())


@patrol.command()
@click.argument("file", type=click.Path(dir_okay=False))
def backup(*, file: str) -> int:
    """备份数据库与附件 · write database and attachments to FILE."""
    from pathlib import Path

    from server.config import files_url_of
    from server.launch import archive
    from server.launch.running import environment

    running = environment(Home.of_patrol())
    written = archive.write(running["DATABASE_URL"], files_url_of({**os.environ, **running}), Path(file))
    held = "附件在别处，不在内 · attachments are elsewhere" if written.files is None else f"{written.files} 附件 files"
    click.echo(f"{file}  {written.size_bytes / 1e6:.1f} MB  {held}")
    return 0


@patrol.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--yes", is_flag=True, help="不再询问 · do not ask")
def restore(*, file: str, yes: bool) -> int:
    """从备份恢复 · replace the database by FILE; phones then pull anew and keep what they have not pushed."""
    from pathlib import Path

    from server.config import files_url_of
    from server.launch import archive
    from server.launch.running import environment

    if not yes:
        click.confirm("现有数据将被替换 · what is in the database now will be replaced. 继续 go on?", abort=True)
    running = environment(Home.of_patrol())
    back = archive.read(running["DATABASE_URL"], files_url_of({**os.environ, **running}), Path(file))
    click.echo(f"已恢复 · restored  {back} 附件找回 files put back")
    return 0


@patrol.command()
@click.option("--profile", default="chongyi", show_default=True, help="chongyi | enshi | jingdezhen | hefei | nantong")
@click.option("--seed", type=click.IntRange(0), help="随机种子 · another seed lays out another city")
@click.option("--day", is_flag=True, help="再走一个走访日 · walk a patrol day over it too, once")
def demo(*, profile: str, seed: int | None, day: bool) -> int:
    """装入示例城市 · load a sample city into the running patrol; five there are."""
    from server.launch.running import status as running_status

    code = _on_running_patrol("server.demo", "load", profile=profile, seed=seed)
    if code or not day:
        return code
    return _on_running_patrol("server.demo", "walk_a_day", url=running_status(Home.of_patrol())["url"])


@patrol.command()
@click.option("--worker", required=True, metavar="LOGIN")
@click.option("--json", "as_json", is_flag=True)
def enrol(*, worker: str, as_json: bool) -> int:
    """手机登记码 · a code that enrols one phone."""
    return _on_running_patrol("server.account_commands", "enrol", worker=worker, as_json=as_json)


@patrol.group()
def user() -> None:
    """账号 · accounts."""


@user.command("add")
@click.argument("login")
@click.option("--role", required=True)
@click.option("--area", required=True, metavar="CODE")
def user_add(*, login: str, role: str, area: str) -> int:
    """添加账号 · add an account; its password is printed once."""
    return _on_running_patrol("server.account_commands", "user_add", login=login, role=role, area=area)


@patrol.command("import-boundaries")
@click.argument("file", type=click.Path(exists=True))
@click.option("--kind", required=True, help="区域种类 · kind of area, e.g. grid")
@click.option("--parent", metavar="CODE", help="上级区域 · code of the area they lie in")
@click.option("--name-field", metavar="F")
@click.option("--code-field", metavar="F")
@click.option("--crs", metavar="C", help="坐标系，如 · e.g. EPSG:4490, when the file does not say")
@click.option("--dry-run", is_flag=True, help="只检查 · check only")
def import_boundaries(**options: Any) -> int:
    """导入边界 · import boundaries (GeoJSON, Shapefile, GeoPackage) and report their faults."""
    return _on_running_patrol("server.demo", "import_boundaries", **options)


@patrol.command("export-boundaries")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--kind", metavar="K", help="只导出此种类 · only this kind of area")
@click.option("--edition", type=click.IntRange(1), help="版本号，默认现行 · default: the one in force")
@click.option("--crs", default="EPSG:4326", show_default=True, metavar="C")
@click.option("--encoding", default="UTF-8", show_default=True, type=click.Choice(["UTF-8", "GBK"]))
def export_boundaries(**options: Any) -> int:
    """导出边界 · write an edition to FILE.gpkg, FILE.zip (Shapefile) or FILE.geojson."""
    return _on_running_patrol("server.boundary_commands", "export_boundaries", **options)


@patrol.command()
@click.option("--devices", default=25, show_default=True, type=click.IntRange(1))
@click.option("--ops", default=40, show_default=True, type=click.IntRange(1), help="每台操作数 · operations a device")
@click.option("--seed", default=1, show_default=True)
@click.option("--url", help="服务地址 · default: the running patrol")
@click.option("--code", "codes", multiple=True, help="登记码，每台一个 · an enrolment code a device: needs no database")
@click.option("--elsewhere", is_flag=True, help="允许其他机器 · also a server on another machine")
@click.option(
    "--faults", is_flag=True, help="故障模拟：强杀进程、恢复备份 · kills -9 and restores, on a private patrol only"
)
@click.option(
    "--minutes", default=5.0, show_default=True, type=click.FloatRange(0), help="故障模拟时长 · with --faults"
)
@click.option("--json", "as_json", is_flag=True)
def simulate(*, faults: bool, minutes: float, **options: Any) -> int:
    """模拟巡查日 · devices that speak the real protocol; checks that server and devices agree."""
    from server.launch.running import status as running_status

    if faults:
        return _simulate_with_faults(minutes, options)
    if options["url"] and options["codes"]:
        from server.demo.simulate import simulate as simulate_by_codes

        return simulate_by_codes(**options)
    options["url"] = options["url"] or running_status(Home.of_patrol())["url"]
    return _on_running_patrol("server.demo", "simulate", **options)


def _simulate_with_faults(minutes: float, options: dict[str, Any]) -> int:
    """Do it to the processes of this home alone; the options that name other servers have no meaning here."""
    from server.launch import harm

    named = [name for name in ("url", "codes", "elsewhere") if options[name]]
    if named:
        raise click.UsageError(
            f"--faults 只在本机自己的巡格上进行 · works on the patrol of this home alone, not with {named}"
        )
    home = Home.of_patrol()
    hurt = harm.of(home)
    known = {name: options[name] for name in ("devices", "seed", "as_json")}
    return _on_running_patrol(
        "server.demo.faults", "simulate_with_faults",
        minutes=minutes, url=hurt.url, sign_ins=home.demo_users, harm=hurt, **known,
    )  # fmt: skip


def _on_running_patrol(module: str, function: str, **options: Any) -> int:
    """Call a function of the application with the running patrol's database and Redis in the environment."""
    from server.launch.running import connect

    connect(Home.of_patrol())
    code: int | None = getattr(import_module(module), function)(**options)
    return code or 0


if __name__ == "__main__":
    # Named by hand: as a module its name would be "__main__.py".
    sys.exit(patrol(prog_name="./patrol"))
