"""Areas kept over a bed that never changes, held to a plain dict that is copied for each change."""

from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from geo.redraw.layer import AreaShape, Layer, compare

CODES = "abcdefgh"
PARENTS = (None, "p", "q")
tracts = st.builds(
    lambda x, y, parent: AreaShape(box(x, y, x + 1, y + 1), "", parent),
    st.integers(0, 5), st.integers(0, 5), st.sampled_from(PARENTS),
)  # fmt: skip
some = st.dictionaries(st.sampled_from(CODES), tracts, max_size=5)
changes = st.lists(st.tuples(some, st.sets(st.sampled_from(CODES), max_size=3)), max_size=6)


def changed(plain, put, gone):
    return {code: tract for code, tract in {**plain, **put}.items() if code not in gone}


@settings(max_examples=150, deadline=None)
@given(some, changes, st.integers(0, 5), st.integers(0, 5))
def test_a_sheet_after_any_changes_is_what_a_plain_dict_would_be(first, made, x, y):
    sheets, plain = [Layer(first)], [dict(first)]
    for put, gone in made:
        sheets.append(sheets[-1].with_changes(put, gone))
        plain.append(changed(plain[-1], put, gone))
    window = box(x + 0.25, y + 0.25, x + 0.75, y + 0.75)
    for sheet, areas in zip(sheets, plain, strict=True):
        assert dict(sheet.tracts.items()) == areas
        assert len(sheet.tracts) == len(areas)
        assert [code in sheet.tracts for code in CODES] == [code in areas for code in CODES]
        assert set(sheet.near(window)) == {code for code, each in areas.items() if each.polygon.intersects(window)}
        for parent in PARENTS:
            below = {code: each for code, each in areas.items() if each.parent_code == parent}
            assert sheet.under({parent}) == below
            assert sheet.any_under(parent) in (below or {None})
        assert dict(Layer(first).with_changes(areas, first.keys() - areas.keys()).tracts) == areas
    last = plain[-1]
    for sheet, areas in zip(sheets, plain, strict=True):
        apart = {code for code in CODES if areas.get(code) is not last.get(code)}
        assert (
            sheet.differing(sheets[-1]) == sheets[-1].differing(sheet) == Layer(areas).differing(Layer(last)) == apart
        )
        told, wanted = compare(sheet, sheets[-1]), compare(Layer(areas), Layer(last))
        assert (told.put, told.gone, told.before) == (wanted.put, wanted.gone, wanted.before)
