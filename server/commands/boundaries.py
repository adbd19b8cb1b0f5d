"""`./patrol export-boundaries`: an edition into a file. Calls ``geo.files.export`` and tells what came of it."""

import sys
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from geo.errors import GeoError, InvalidQuestion
from geo.files.export import Wish, read_rows, write_areas
from geo.serving.features import read_standing
from server.config import Config
from server.http.problems import TABLE


def export_boundaries(*, file: str, kind: str | None, edition: int | None, crs: str, encoding: str) -> int:
    """Write the edition in force, or the one named, to a file; 1 when it cannot be written."""
    engine = create_engine(Config.from_environment().database_url)
    path = Path(file)
    try:
        with Session(engine) as session:
            number = edition if edition is not None else read_standing(session).edition
            if number is None:
                raise InvalidQuestion("edition", "no edition in force")
            rows = read_rows(session, number, kind)
        write_areas(rows, path.resolve(), Wish(crs, encoding))
    except GeoError as error:
        entry = TABLE[error.code]
        told = "  ".join(f"{name}={value}" for name, value in error.data.items())
        sys.stderr.write(f"✗ {entry.zh} · {entry.en}\n  {told}\n  → {entry.do_zh} · {entry.do_en}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"✗ 无法写入 · cannot be written: {error}\n")
        return 1
    finally:
        engine.dispose()
    sys.stdout.write(f"✓ {file}: 第 {number} 版 · edition {number}, {len(rows)} 个区域 areas, {crs}\n")
    return 0
