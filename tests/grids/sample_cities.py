"""The five sample cities as drafts are drawn over them, laid out without a database."""

from functools import cache

import numpy as np

from geo.redraw.layer import AreaShape, Layer
from server.demo import chongyi
from server.demo.cities import profile as profiles
from server.demo.cities.dwellings import houses_of
from server.demo.cities.layout import laid_out
from server.demo.cities.outlines import county_outlines
from server.grids.draft_ground import DraftGround
from server.grids.kinds import STANDARD_KINDS

NAMES = (chongyi.NAME, *profiles.names())


def _silent(_line):
    pass


@cache
def sample_city(name, factor=1.0):
    """A city as its profile lays it out; ``factor`` of everything, for the larger ones."""
    if name == chongyi.NAME:
        areas = [(each.level, each) for each in chongyi.draw().areas]
        return _city({kind.code: kind for kind in STANDARD_KINDS}, areas)
    profile = profiles.read(name).scaled(factor)
    laid = laid_out(profile, county_outlines(profile.outline_file, _silent), profile.seed, _silent)
    houses = houses_of(laid, np.random.default_rng(profile.seed)).areas
    return _city(
        {kind.code: kind for kind in profile.new_kinds()}, [(each.kind, each) for each in (*laid.areas, *houses)]
    )


def _city(kinds, areas):
    tracts = {code: {} for code in kinds}
    for kind, each in areas:
        tracts[kind][each.code] = AreaShape(each.polygon, each.name, each.parent)
    ranks = {code: kind.rank for code, kind in kinds.items()}
    locating = next(code for code, kind in kinds.items() if kind.is_locating)
    return DraftGround(ranks, locating, {kind: Layer(found) for kind, found in tracts.items()})
