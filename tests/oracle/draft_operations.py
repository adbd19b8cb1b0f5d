"""Operations that staff may ask of a draft, drawn at random: fitting ones, and ones that must be refused."""

import numpy as np
import shapely
from hypothesis import strategies as st
from shapely import LineString

from tests.geo.redraw.test_redraw import bent
from tests.oracle import drafting


def _any(city, data):
    return data.draw(st.sampled_from(sorted(city.grids.tracts)))


def _pair(city, data):
    one = _any(city, data)
    near = sorted(set(city.grids.near(city.grids[one].polygon)) - {one}) or [one]
    return one, data.draw(st.sampled_from(near))


def geojson(line):
    return shapely.geometry.mapping(line)


def _split(machine, city, data):
    code = _any(city, data)
    inside = np.array(city.grids[code].polygon.representative_point().coords[0])
    angle = data.draw(st.floats(0, 2 * np.pi))
    way = 0.05 * np.array([np.cos(angle), np.sin(angle)])
    line = LineString(np.round([inside - way, inside + way], 8))
    new = [machine.code(), machine.code()]
    left, right = data.draw(st.sampled_from([(code, new[0]), (new[0], code), (new[0], new[1])]))
    return {"kind": "split", "code": code, "line": geojson(line), "left": {"code": left}, "right": {"code": right}}


def _merge(machine, city, data):
    pair = _pair(city, data)
    return {"kind": "merge", "codes": list(pair), "into": data.draw(st.sampled_from([*pair, machine.code()]))}


def _reshape(_machine, city, data):
    pair = _pair(city, data)
    try:
        line = bent(data.draw, city.grids, *pair)
    except ValueError:
        line = LineString(drafting.POINTS[:2])
    return {"kind": "reshape", "codes": list(pair), "line": geojson(line)}


def _rename(machine, city, data):
    machine.made += 1
    return {"kind": "rename", "code": _any(city, data), "name": f"名{machine.made}"}


def _reassign(_machine, city, data):
    return {"kind": "reassign", "code": _any(city, data), "parent": data.draw(st.sampled_from(drafting.COMMUNITIES))}


def _retire(_machine, city, data):
    return {"kind": "retire", "code": _any(city, data)}


def _add(machine, city, data):
    free = shapely.difference(
        shapely.union_all(list(drafting.laid_out().values())),
        shapely.union_all([tract.polygon for tract in city.grids.tracts.values()]), grid_size=1e-8,
    )  # fmt: skip
    parts = [part for part in shapely.get_parts(free) if part.area > 1e-8]
    if not parts:
        return None
    part = data.draw(st.sampled_from(range(len(parts))).map(parts.__getitem__))
    parent = data.draw(st.sampled_from(drafting.COMMUNITIES))
    return {"kind": "add", "code": machine.code(), "name": "新", "parent": parent, "polygon": geojson(part)}


def _replace(_machine, city, data):
    one, other = _pair(city, data)
    swapped = [(one, city.grids[other].polygon), (other, city.grids[one].polygon)] if one != other else []
    return {"kind": "replace", "areas": [{"code": code, "polygon": geojson(ground)} for code, ground in swapped]}


OPERATIONS = {
    "split": _split, "merge": _merge, "reshape": _reshape, "rename": _rename, "reassign": _reassign,
    "retire": _retire, "add": _add, "replace": _replace,
}  # fmt: skip
