"""Commands that act on the city of the running patrol."""

from importlib import import_module
from typing import Any

from server.launch.state import Home


def on_running_patrol(module: str, function: str, **options: Any) -> int:
    """Call a function of the application with the running patrol's database and Redis in the environment."""
    from server.launch.running import connect  # noqa: PLC0415  # `--help` need not wait for it

    connect(Home.of_patrol())
    code: int | None = getattr(import_module(module), function)(**options)
    return code or 0
