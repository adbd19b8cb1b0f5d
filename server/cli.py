"""The commands of `./patrol`: names, options and nothing else.

Each command imports what it needs when it runs, and no web framework is imported here, so that `./patrol --help`
and the test loop start at once. A command's work is a function elsewhere that takes the options as keyword arguments
and returns the exit code.
"""

import json
import os
import sys
from typing import Any

import click

from server.commands.running import on_running_patrol
from server.commands.user import user
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
@click.option("--tls", is_flag=True, help="本机证书的 HTTPS · HTTPS by a certificate of this machine's own, for phones")
def up(*, detach: bool, host: str, port: int | None, profile: str, empty: bool, tls: bool) -> int:
    """安装并启动一切 · install and start everything."""
    from server.launch.up import Wishes
    from server.launch.up import up as bring_up

    return bring_up(Home.of_patrol(), Wishes(host, port, None if empty else profile, detach, tls))


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
@click.option(
    "--quick", is_flag=True, help="快速测试 · no programs, browsers, generated examples or long tests, for daily work"
)
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def test(*, keep: bool, stop: bool, quick: bool, pytest_arguments: tuple[str, ...]) -> int:
    """运行全部检查与测试 · every check and test; with pytest's arguments, only those tests."""
    if stop:
        from server.launch import services

        services.stop_kept(Home.of_tests())
        return 0
    from server.launch.testing import run_tests

    return run_tests(pytest_arguments, keep=keep, quick=quick)


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
def audit() -> int:
    """查询依赖的已知漏洞 · known faults of the locked packages. Needs the network; exit code 2 when it cannot ask."""
    from server.launch.audit import audit as ask

    return ask()


@patrol.command()
@click.argument("file", type=click.Path(dir_okay=False))
def backup(*, file: str) -> int:
    """备份数据库与附件 · write database and attachments to FILE."""
    from pathlib import Path

    from server.config import files_url_of
    from server.launch import archive
    from server.launch.running import environment, owner_url

    running = environment(Home.of_patrol())
    written = archive.write(owner_url(Home.of_patrol()), files_url_of({**os.environ, **running}), Path(file))
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
    from server.launch.account import application_account, handed_over
    from server.launch.running import environment, owner_url

    if not yes:
        click.confirm("现有数据将被替换 · what is in the database now will be replaced. 继续 go on?", abort=True)
    running = environment(Home.of_patrol())
    files_url = files_url_of({**os.environ, **running})
    back = archive.read(owner_url(Home.of_patrol()), files_url, Path(file))
    if (folder := archive.folder_of(files_url)) is not None and folder.exists():
        handed_over(folder, application_account())
    click.echo(f"已恢复 · restored  {back} 附件找回 files put back")
    return 0


@patrol.command()
@click.option("--profile", default="chongyi", show_default=True, help="chongyi | enshi | jingdezhen | hefei | nantong")
@click.option("--seed", type=click.IntRange(0), help="随机种子 · another seed lays out another city")
@click.option("--day", is_flag=True, help="再走一个走访日 · walk a patrol day over it too, once")
def demo(*, profile: str, seed: int | None, day: bool) -> int:
    """装入示例城市 · load a sample city into the running patrol; five there are."""
    from server.launch.local_tls import believed
    from server.launch.running import status as running_status

    code = on_running_patrol("server.demo", "load", profile=profile, seed=seed)
    if code or not day:
        return code
    os.environ.update(believed(Home.of_patrol()))
    return on_running_patrol("server.demo", "walk_a_day", url=running_status(Home.of_patrol())["url"])


@patrol.command()
@click.option("--worker", required=True, metavar="LOGIN")
@click.option("--json", "as_json", is_flag=True)
def enrol(*, worker: str, as_json: bool) -> int:
    """手机登记码 · a code that enrols one phone."""
    return on_running_patrol("server.commands.accounts", "enrol", worker=worker, as_json=as_json)


patrol.add_command(user)


@patrol.group()
def webhook() -> None:
    """处置单位的推送地址 · where handling bodies take their webhooks."""


@webhook.command("set")
@click.argument("organisation", metavar="CODE")
@click.argument("url")
@click.option("--rotate", is_flag=True, help="换新密钥 · make a new secret; the former signs beside it for a day")
def webhook_set(*, organisation: str, url: str, rotate: bool) -> int:
    """设置推送地址 · set the address; a new secret is printed once."""
    return on_running_patrol(
        "server.commands.webhooks", "webhook_set", organisation=organisation, url=url, rotate=rotate
    )


@webhook.command("test")
@click.argument("organisation", metavar="CODE")
def webhook_test(*, organisation: str) -> int:
    """发送测试消息 · send a signed test letter and show the answer."""
    return on_running_patrol("server.commands.webhooks", "webhook_test", organisation=organisation)


@patrol.group()
def catalogue() -> None:
    """类别目录 · the catalogue of categories, as a workbook (XLSX)."""


@catalogue.command("export")
@click.argument("file", type=click.Path(dir_okay=False))
def catalogue_export(*, file: str) -> int:
    """导出为工作簿 · write the catalogue as the workbook that import takes."""
    return on_running_patrol("server.commands.catalogue", "catalogue_export", file=file)


@catalogue.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--from", "since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%d %H:%M"]), help="何时起生效 · from when on")
@click.option("--dry-run", is_flag=True, help="只看会改变什么 · only say what would change")
@click.option("--make-public", is_flag=True, help="涉隐私的案件可因此公开 · private cases may become public by it")
def catalogue_import(**options: Any) -> int:
    """导入工作簿 · enter a workbook, from now or a later day on."""
    return on_running_patrol("server.commands.catalogue", "catalogue_import", **options)


@patrol.group()
def calendar() -> None:
    """工作日历 · the work calendar: holidays, moved working days, hours."""


@calendar.command("show")
@click.argument("year", type=click.IntRange(2000, 2100))
@click.option("--area", metavar="CODE", help="区域 · as it is counted there; left out: in the city")
def calendar_show(*, year: int, area: str | None) -> int:
    """显示一年的放假与调休 · show a year, and whether it may still change."""
    return on_running_patrol("server.commands.calendar", "calendar_show", year=year, area=area)


@calendar.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--area", metavar="CODE", help="区域 · for this area and all below it; left out: for the city")
@click.option("--source", metavar="TEXT", help="依据的文件 · by which document; left out: the file's name")
@click.option("--provisional", is_flag=True, help="尚未正式公布 · expected, not announced")
@click.option("--dry-run", is_flag=True, help="只试算 · say which deadlines would move, and keep nothing")
def calendar_import(**options: Any) -> int:
    """导入一年（date,kind,name）· enter the days of a year; says which deadlines move."""
    return on_running_patrol("server.commands.calendar", "calendar_import", **options)


@calendar.command("export")
@click.argument("year", type=click.IntRange(2000, 2100))
@click.option("--area", metavar="CODE", help="区域 · as it is counted there; left out: in the city")
def calendar_export(*, year: int, area: str | None) -> int:
    """导出为 CSV · write the file that import takes."""
    return on_running_patrol("server.commands.calendar", "calendar_export", year=year, area=area)


@patrol.command("import-outbox")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
def import_outbox(*, file: str) -> int:
    """接收手机导出的未上传内容 · take in what a phone could not send, from the file that it exported."""
    return on_running_patrol("server.commands.outboxes", "import_outbox", file=file)


@patrol.command("import-boundaries")
@click.argument("file", type=click.Path(exists=True))
@click.option(
    "--kind", required=True, metavar="K", help="区域种类 · city, county, street, community, grid, zone, building ..."
)
@click.option("--parent", metavar="CODE", help="上级区域 · code of the area they lie in")
@click.option("--name-field", metavar="F", help="名称字段 · field of the names")
@click.option("--code-field", metavar="F", help="编码字段 · field of the codes")
@click.option("--parent-field", metavar="F", help="上级编码字段 · field of the parents' codes")
@click.option("--layer", metavar="L", help="图层 · layer, where there are several")
@click.option("--crs", metavar="C", help="坐标系，如 · e.g. EPSG:4490, when the file does not say")
@click.option("--encoding", metavar="E", help="文字编码，如 · of the texts, e.g. GBK, CP1252")
@click.option("--root", is_flag=True, help="允许成为最上级区域 · areas without a parent may become roots")
@click.option("--dry-run", is_flag=True, help="只检查 · check only")
def import_boundaries(**options: Any) -> int:
    """导入边界 · import boundaries (GeoPackage, Shapefile, FileGDB, GeoJSON, KML, KMZ, CSV) and report their faults."""
    return on_running_patrol("server.demo", "import_boundaries", **options)


@patrol.command("export-boundaries")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--kind", metavar="K", help="只导出此种类 · only this kind of area")
@click.option("--edition", type=click.IntRange(1), help="版本号，默认现行 · default: the one in force")
@click.option("--crs", default="EPSG:4326", show_default=True, metavar="C")
@click.option("--encoding", default="UTF-8", show_default=True, type=click.Choice(["UTF-8", "GBK"]))
def export_boundaries(**options: Any) -> int:
    """导出边界 · write an edition to FILE.gpkg, FILE.zip (Shapefile) or FILE.geojson."""
    return on_running_patrol("server.commands.boundaries", "export_boundaries", **options)


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
@click.option(
    "--silence-s",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0),
    help="最长无应答秒数 · with --faults; more on a machine that others load",
)
@click.option(
    "--cases",
    type=click.IntRange(1, 100_000),
    help="一个月的案件数 · a month of so many cases instead, in a city of its own: steps, clocks and log are compared",
)
@click.option(
    "--from",
    "begin",
    type=click.DateTime(["%Y-%m-%d"]),
    default="2026-09-18",
    show_default=True,
    help="从哪一天起 · first day of the month; with --cases",
)
@click.option("--timelines", type=click.Path(dir_okay=False), help="写入文件 · keep what is told; with --cases")
@click.option("--json", "as_json", is_flag=True)
def simulate(*, faults: bool, minutes: float, silence_s: float, **options: Any) -> int:
    """模拟巡查日 · devices that speak the real protocol; checks that server and devices agree."""
    from server.launch.local_tls import believed
    from server.launch.running import status as running_status

    month = {name: options.pop(name) for name in ("cases", "begin", "timelines")}
    if month["cases"] is not None:
        from server.demo.month import simulate_month

        return simulate_month(seed=options["seed"], **month)
    if faults:
        return _simulate_with_faults(minutes, silence_s, options)
    if options["url"] and options["codes"]:
        from server.simulator.simulate import simulate as simulate_by_codes

        return simulate_by_codes(**options)
    if not options["url"]:
        os.environ.update(believed(Home.of_patrol()))
        options["url"] = running_status(Home.of_patrol())["url"]
    return on_running_patrol("server.demo", "simulate", **options)


def _simulate_with_faults(minutes: float, silence_s: float, options: dict[str, Any]) -> int:
    """Do it to the processes of this home alone; the options that name other servers have no meaning here."""
    from server.simulator.faults import harm

    named = [name for name in ("url", "codes", "elsewhere") if options[name]]
    if named:
        raise click.UsageError(
            f"--faults 只在本机自己的巡格上进行 · works on the patrol of this home alone, not with {named}"
        )
    home = Home.of_patrol()
    hurt = harm.of(home)
    known = {name: options[name] for name in ("devices", "seed", "as_json")}
    return on_running_patrol(
        "server.simulator.faults", "simulate_with_faults",
        minutes=minutes, silence_s=silence_s, url=hurt.url, sign_ins=home.demo_users, harm=hurt, **known,
    )  # fmt: skip


if __name__ == "__main__":
    # Named by hand: as a module its name would be "__main__.py".
    sys.exit(patrol(prog_name="./patrol"))
