"""The commands of `./patrol user`: names and options; their work is ``server.commands.accounts``."""

from typing import Any

import click

from server.commands.running import on_running_patrol


@click.group()
def user() -> None:
    """账号 · accounts."""


_LOGIN = click.argument("login")
_ROLE = click.option("--role", required=True, help="角色 · e.g. grid_worker, supervisor, gis, admin, handler")
_PLACE = click.option(
    "--area", required=True, metavar="CODE", help="区域编码，处置员则为单位编码 · a handler's: of the body"
)
_DEVICES = click.option("--devices", is_flag=True, help="手机也停用 · revoke their phones too")
_AS_JSON = click.option("--json", "as_json", is_flag=True)


def _on_account(function: str, **options: Any) -> int:
    return on_running_patrol("server.commands.accounts", function, **options)


@user.command("add")
@_LOGIN
@_ROLE
@_PLACE
@click.option("--name", default="", help="姓名 · default: the login")
def user_add(**options: Any) -> int:
    """添加账号 · add an account; its password is printed once."""
    return _on_account("user_add", **options)


@user.command("role")
@_LOGIN
@_ROLE
@_PLACE
def user_role(**options: Any) -> int:
    """添加角色 · give a further role; the password stays."""
    return _on_account("user_role", **options)


@user.command("end-role")
@_LOGIN
@_ROLE
@_PLACE
def user_end_role(**options: Any) -> int:
    """结束角色 · end a role now."""
    return _on_account("user_end_role", **options)


@user.command("password")
@_LOGIN
@_DEVICES
def user_password(**options: Any) -> int:
    """重设密码 · a new password, printed once; sessions and application passwords end."""
    return _on_account("user_password", **options)


@user.command("block")
@_LOGIN
@click.option("--reason", default="", help="原因 · kept in the account's history")
def user_block(**options: Any) -> int:
    """停用账号 · let somebody in nowhere any more, phones included."""
    return _on_account("user_block", **options)


@user.command("unblock")
@_LOGIN
def user_unblock(**options: Any) -> int:
    """恢复账号 · let somebody in again."""
    return _on_account("user_unblock", **options)


@user.command("sign-out")
@_LOGIN
@_DEVICES
def user_sign_out(**options: Any) -> int:
    """全部退出 · end all sessions, application passwords and unused codes."""
    return _on_account("user_sign_out", **options)


@user.command("list")
@click.option("--area", default="", metavar="CODE", help="只此区域及其下级 · in this area and below")
@click.option("--role", default="", help="只此角色 · with this role")
@click.option("--search", "words", default="", help="登录名或姓名 · in login or name")
@_AS_JSON
def user_list(**options: Any) -> int:
    """账号列表 · who there is, with roles."""
    return _on_account("user_list", **options)


@user.command("show")
@_LOGIN
@_AS_JSON
def user_show(**options: Any) -> int:
    """账号详情 · one account: roles, what lets in, what was done to it."""
    return _on_account("user_show", **options)
