"""Shapes and files for the tests of boundary imports."""

import io
import zipfile
from pathlib import Path

import pytest
from shapely import Polygon, box

from tests.cases.city import EAST, WEST
from tests.files import importing
from tests.files.importing import Sender, geojson

COUNTY, COMMUNITY = "360725", "360725100001"


THIRD = "360725100001003"


BORDER = 114.31


def cell(west, east):
    return box(west, 25.68, east, 25.69)


# Ragged enough for every digit to matter.
RAGGED = Polygon(
    [(114.32, 25.68), (114.33000001, 25.68000003), (114.33123457, 25.68512345), (114.32999999, 25.69), (114.32, 25.69)]
)


THREE = geojson(
    (WEST, "西", cell(114.30, 114.304)), (THIRD, "新", cell(114.304, BORDER)), (EAST, "东", cell(BORDER, 114.32))
)


BOW = Polygon([(114.32, 25.68), (114.33, 25.69), (114.33, 25.68), (114.32, 25.69)])


@pytest.fixture
def sender(app, redrawn, files_url):
    yield Sender.of(app, redrawn, files_url)
    importing.clear(redrawn)


def packed(*members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def kept(sender):
    """The folders of imports in the store."""
    return set(Path(sender.importer.store.root, "imports").glob("*"))
