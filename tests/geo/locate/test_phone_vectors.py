"""The points by which the patrol app proves that it names grids as the server does: the server answers them so."""

import json
from pathlib import Path

import shapely

from geo.locate.locator import Locator

ROOT = Path(__file__).parents[3]
VECTORS = ROOT / "server" / "web" / "src" / "patrol" / "report" / "locate.vectors.json"


def test_the_server_gives_every_point_of_the_phone_the_grid_that_the_phone_gives_it():
    told = json.loads(VECTORS.read_text())
    codes = [area["code"] for area in told["areas"]]
    shapes = [shapely.from_geojson(json.dumps(area["geometry"])) for area in told["areas"]]
    locator = Locator.build(list(enumerate(shapes)))
    points = told["points"]
    found = locator.locate([point[0] for point in points], [point[1] for point in points]).tolist()
    assert [codes[number] if number >= 0 else None for number in found] == [point[2] for point in points]
    assert sum(point[2] is not None for point in points) > len(points) / 2
