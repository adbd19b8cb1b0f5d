"""The catalogue as a workbook: read back as it was written, every fault named, nothing hostile followed."""

import io
import zipfile
from dataclasses import replace

import openpyxl
import pytest

from server.cases.catalogues import workbook
from server.cases.catalogues.editions import catalogue_at, faults_in
from server.cases.catalogues.entries import Entry
from server.cases.catalogues.fault_words import told
from tests.cases.catalogues.test_editions import BIG, NEW, NIGHT, T0

pytestmark = pytest.mark.long


@pytest.fixture
def entries(session):
    found = catalogue_at(session, T0)
    found["0405"] = replace(found["0405"], conditions=(NEW, BIG), bans=(NIGHT,))
    return list(found.values())


def edited(entries, change):
    book = openpyxl.load_workbook(io.BytesIO(workbook.write(entries)))
    change(book)
    out = io.BytesIO()
    book.save(out)
    return workbook.read(out.getvalue())


def column(sheet, words):
    return next(cell.column_letter for cell in sheet[1] if words in str(cell.value))


def row_of(sheet, code):
    return next(cell.row for cell in sheet["A"] if cell.value == code)


def put(sheet_name, code, heading, value):
    def change(book):
        sheet = book[sheet_name]
        sheet[f"{column(sheet, heading)}{row_of(sheet, code)}"] = value

    return change


def test_a_workbook_is_read_as_it_was_written(entries):
    found = workbook.read(workbook.write(entries))
    assert found.faults == ()
    assert sorted(found.entries, key=lambda each: each.code) == sorted(entries, key=lambda each: each.code)


def test_a_text_that_looks_like_a_formula_is_a_text(entries):
    sly = replace(entries[1], own=entries[1].own | {"file_when": "=1+1", "close_when": "@SUM(A1)"})
    found = workbook.read(workbook.write([entries[0], sly]))
    assert found.faults == ()
    assert found.entries[1].own["file_when"] == "=1+1"


@pytest.mark.parametrize("written", ["工作小时", "working hours", "WH", "wh"])
def test_a_choice_may_be_written_in_either_language_or_as_its_code(entries, written):
    found = edited(entries, put("类别", "0302", "时限单位", written))
    assert next(each for each in found.entries if each.code == "0302").own["limit_unit"] == "wh"


def test_a_code_that_a_program_made_a_number_is_the_code(entries):
    def change(book):
        sheet = book["类别"]
        sheet[f"A{row_of(sheet, '0302')}"] = 302

    assert "0302" in {each.code for each in edited(entries, change).entries}


@pytest.mark.parametrize(
    ("heading", "value", "field", "reason"),
    [
        ("处置时限", "两天", "limit_value", "not-a-number"),
        ("处置时限", -2, "limit_value", "out-of-range"),
        ("处置时限", 1.5, "limit_value", "not-a-number"),
        ("处置时限", "=1+1", "limit_value", "formula"),
        ("时限单位", "星期", "limit_unit", "not-a-choice"),
        ("英文名称", None, "name_en", "required"),
        ("国标代码", "1", "gbt_code", "wrong-shape"),
        ("隐私", "也许", "is_private", "not-a-choice"),
        ("判重半径", 100000, "duplicate_radius_m", "out-of-range"),
        ("结案条件 close", "长" * 501, "close_when", "too-long"),
        ("英文名称", "lamp\u202epmal", "name_en", "unclean"),
        ("立案条件", "a\u0085b", "file_when", "unclean"),
    ],
)
def test_a_fault_is_told_by_sheet_row_and_column_in_both_languages(entries, heading, value, field, reason):
    where = {}

    def change(book):
        put("类别", "0302", heading, value)(book)
        where["row"] = row_of(book["类别"], "0302")

    [fault] = edited(entries, change).faults
    assert (fault.part, fault.row, fault.field, fault.reason) == ("categories", where["row"], field, reason)
    words = told(fault)
    assert words["sheet"] == "类别 categories"
    assert words["column"].startswith(heading.split()[0])
    assert words["zh"] != words["en"]


def test_what_is_wrong_of_a_whole_row_is_told_by_its_row_too(session, entries):
    found = edited(entries, put("类别", "0302", "主管单位", "nobody"))
    [fault] = faults_in(session, found.entries, T0, found.rows)
    assert (fault.part, fault.row) == ("categories", found.rows["categories", "0302", 0])
    twice = edited(
        entries, lambda book: book["立案条件"].append(["0405", 1, *(c.value for c in book["立案条件"][2][2:])])
    )
    [fault] = faults_in(session, twice.entries, T0, twice.rows)
    assert (fault.part, fault.row, fault.reason) == ("conditions", 4, "twice")


def test_a_condition_of_no_category_and_a_category_twice_are_faults(entries):
    def change(book):
        book["立案条件"].append(["9901", 1, "x", "x", 1, "h", None, None])
        book["类别"].append([cell.value for cell in book["类别"][row_of(book["类别"], "0302")]])

    faults = {(each.part, each.reason) for each in edited(entries, change).faults}
    assert faults == {("conditions", "unknown"), ("categories", "twice")}


def test_a_column_that_is_missing_or_strange_is_told(entries):
    def change(book):
        book["类别"]["D1"] = "颜色"

    faults = {(each.reason, each.row) for each in edited(entries, change).faults}
    assert faults == {("unknown-column", 1), ("no-column", 1)}


def test_a_workbook_without_categories_is_told(entries):
    def change(book):
        del book["类别"]

    assert [each.reason for each in edited(entries, change).faults] == ["no-sheet"]


def test_rows_that_are_empty_are_passed_over(entries):
    found = edited(entries, lambda book: book["类别"].append([None, "", None]))
    assert found.faults == ()


def rewritten(entries, change):
    """The same workbook, its first sheet as ``change`` makes it of its XML."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook.write(entries))) as whole, zipfile.ZipFile(out, "w", 8) as packed:
        for name in whole.namelist():
            content = whole.read(name)
            packed.writestr(name, change(content) if name.endswith("sheet1.xml") else content)
    return out.getvalue()


def bomb(entries):
    """A cell that unpacks to seven hundred million characters."""
    return rewritten(entries, lambda xml: xml.replace(b"<t>01</t>", b"<t>" + b"A" * 700_000_000 + b"</t>"))


def laughing(entries):
    """Entities that multiply."""
    entities = '<!ENTITY a "ha">' + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    head = f"<!DOCTYPE worksheet [{entities}]>".encode()
    return rewritten(entries, lambda xml: head + xml.replace(b"<t>01</t>", b"<t>&j;</t>"))


def outside(entries):
    """An entity of a file outside it."""
    head = b'<!DOCTYPE worksheet [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    return rewritten(entries, lambda xml: head + xml.replace(b"<t>01</t>", b"<t>&f;</t>"))


def tall(_entries):
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("类别")
    for _ in range(6_000):
        sheet.append(["x"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("hostile", "reasons"),
    [
        (lambda _: b"", {"not-a-workbook"}),
        (lambda _: b"PK\x03\x04 not a zip", {"not-a-workbook"}),
        (lambda _: b"code,zh\n0101,x", {"not-a-workbook"}),
        (lambda entries: workbook.write(entries)[:4000], {"not-a-workbook"}),
        (lambda _: bytes(3 << 20), {"too-large"}),
        (tall, {"too-large"}),
        (bomb, {"too-large", "not-a-workbook"}),
        (laughing, {"too-large", "not-a-workbook"}),
        (outside, {"not-a-workbook", "required", "no-first-level"}),
    ],
    ids=["empty", "no zip", "csv", "cut off", "large", "tall", "bomb", "entities", "outside"],
)
def test_a_hostile_file_is_told_as_such_and_harms_nobody(entries, hostile, reasons):
    found = workbook.read(hostile(entries))
    assert found.faults
    assert {each.reason for each in found.faults} <= reasons
    assert "root:" not in str(found)


def test_an_entry_alone_makes_a_workbook_too():
    assert workbook.read(workbook.write([Entry("01", {})])).faults
