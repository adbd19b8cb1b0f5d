"""An import whose row or bytes break the job is told and given up; those beside it are worked on."""

import uuid

import pytest
from shapely import box
from sqlalchemy import text

from server.attachments.store import open_store
from server.grids.imports import rows as imports
from server.grids.imports import store as import_store
from tests.files import importing
from tests.files.importing import PATH, Sender, geojson
from tests.sync.redrawing import redrawn

pytestmark = pytest.mark.long

__all__ = ["redrawn"]
COMMUNITY = "360725100001"
GOOD = 12
SPOILT = {
    "asked by other code": """UPDATE boundary_import SET asked = asked || '{"later": 1}' WHERE id = :id""",
    "asked for no kind": "UPDATE boundary_import SET asked = asked - 'kind' WHERE id = :id",
    "asked in a number": """UPDATE boundary_import SET asked = asked || '{"parent": [1]}' WHERE id = :id""",
}
BYTES = ("more parts than there are", "no bytes")


@pytest.fixture
def sender(app, redrawn, files_url, monkeypatch):
    monkeypatch.setattr(imports, "MOST_UNDER_WAY", 100)
    yield Sender.of(app, redrawn, files_url)
    importing.clear(redrawn)


def file_of(number):
    west = 114.33 + number / 100
    return geojson((f"g{number:03d}", f"网格{number}", box(west, 25.68, west + 0.005, 25.69)))


def letters(session):
    session.rollback()
    rows = session.execute(text("SELECT item, attempts, reason FROM dead_letter WHERE queue = 'imports'"))
    return {row.item: row for row in rows}


def test_imports_that_break_the_job_stop_none_of_the_others(sender, redrawn, files_url):
    sent = [sender.send(file_of(n), parent=COMMUNITY).json["id"] for n in range(GOOD + len(SPOILT) + len(BYTES))]
    rows = dict(zip(SPOILT, [sent[0], sent[1], sent[5]], strict=True))
    short, gone = sent[3], sent[-1]
    good = [each for each in sent if each not in {*rows.values(), short, gone}]
    for how, import_id in rows.items():
        redrawn.execute(text(SPOILT[how]), {"id": import_id})
    redrawn.execute(text("UPDATE boundary_import SET parts = 5 WHERE id = :id"), {"id": short})
    redrawn.commit()
    import_store.remove(open_store(files_url), uuid.UUID(gone))
    told = {}
    while sender.importer.import_next() is not None:
        told |= letters(redrawn)
    assert {sender.told(each)["state"] for each in good} == {"done"}
    assert set(told) == set(rows.values())
    assert all(row.attempts == imports.ATTEMPTS and row.reason for row in told.values()), "tried again, then given up"
    assert letters(redrawn) == {}
    ended = {each: sender.told(each) for each in (*rows.values(), short, gone)}
    assert {each["state"] for each in ended.values()} == {"refused"}
    assert {ended[each]["problem"]["type"].rpartition("/")[2] for each in rows.values()} == {"import-given-up"}
    assert {ended[each]["problem"]["type"].rpartition("/")[2] for each in (short, gone)} == {"unsupported-file"}, (
        "told at once"
    )
    assert sender.desk.get(PATH).status_code == 200


def test_what_was_mended_before_it_is_given_up_is_done(sender, redrawn):
    import_id = sender.send(file_of(1), parent=COMMUNITY).json["id"]
    redrawn.execute(text(SPOILT["asked by other code"]), {"id": import_id})
    redrawn.commit()
    sender.importer.import_next()
    assert "later" in letters(redrawn)[import_id].reason
    redrawn.execute(text("UPDATE boundary_import SET asked = asked - 'later' WHERE id = :id"), {"id": import_id})
    redrawn.commit()
    assert sender.ended(import_id)["state"] == "done"
    assert letters(redrawn) == {}
