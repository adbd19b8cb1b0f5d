"""Folders for private servers that every account may pass to, unlike pytest's own."""

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from server.launch import services
from server.launch.state import Home


@contextmanager
def open_home():
    folder = Path(tempfile.mkdtemp(prefix="patrol-"))
    folder.chmod(0o755)
    made = Home(folder / "home")
    made.make()
    try:
        yield made
    finally:
        services.stop(made)
        shutil.rmtree(folder)
