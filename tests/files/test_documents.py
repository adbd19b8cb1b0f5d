"""What others see of a PDF: its pages, and nothing of who made it, what it carries and what it would do."""

import io
import re
import zlib

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from server.attachments.documents import strip_pdf
from server.attachments.errors import FileRefused
from tests.files.pictures import MAKER, SERIAL, TRAILER, box, pdf, picture, pixels, telling_pdf


def unpacked(content):
    """A PDF with all of its streams and objects readable, as a curious reader has it."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as document:
        document.save(out, qdf=True, static_id=True)
    return content + out.getvalue()


def test_nothing_that_a_pdf_tells_beside_its_pages_is_left():
    told = telling_pdf()
    assert unpacked(told).count(SERIAL) > 12
    shown = unpacked(strip_pdf(told))
    for secret in (SERIAL, MAKER, TRAILER, b"hidden.txt", b"xmpmeta"):
        assert secret not in shown
    assert not re.search(rb"/(?:JavaScript|EmbeddedFile|Filespec|XFA|PieceInfo|Metadata|RichMedia)\b", shown)
    assert not re.search(rb"/(?:Author|Creator|Producer|CreationDate|ModDate|OpenAction|AA|Info)\b", shown)


def test_the_pages_their_photos_and_remarks_stay():
    with pikepdf.open(io.BytesIO(strip_pdf(telling_pdf()))) as document:
        [page] = document.pages
        assert page.Contents.read_bytes() == b"q 200 0 0 100 0 0 cm /Photo Do Q"
        photo = page.Resources.XObject.Photo
        assert (photo.Width, photo.Height) == (320, 200)
        assert len(pixels(photo.read_raw_bytes())) == 320 * 200 * 3
        assert [str(each.Subtype) for each in page.Annots] == ["/Text", "/Link", "/Link"]
        assert str(page.Annots[0].Contents) == "a remark"


def test_stripping_twice_changes_nothing():
    once = strip_pdf(telling_pdf())
    assert strip_pdf(once) == once


def test_what_was_taken_out_by_a_later_saving_does_not_come_back():
    body = pdf().replace(b"%PDF-1.3", b"%PDF-1.3", 1)
    earlier = body + b"\n9 0 obj\n(" + SERIAL + b")\nendobj\n"
    assert SERIAL not in strip_pdf(earlier)


def test_a_link_to_a_page_of_the_same_document_stays():
    out = io.BytesIO()
    with pikepdf.new() as document:
        page = document.add_blank_page()
        turn = pikepdf.Dictionary(S=pikepdf.Name.GoTo, D=[page.obj, pikepdf.Name.Fit])
        link = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], A=turn)
        page.obj.Annots = [link]
        document.save(out)
    with pikepdf.open(io.BytesIO(strip_pdf(out.getvalue()))) as document:
        assert document.pages[0].Annots[0].A.S == "/GoTo"


def test_the_outline_stays_whole():
    out = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page()
        with document.open_outline() as outline:
            outline.root.extend(pikepdf.OutlineItem(title, 0) for title in ("one", "two", "three"))
        document.save(out)
    with pikepdf.open(io.BytesIO(strip_pdf(out.getvalue()))) as document, document.open_outline() as outline:
        assert [each.title for each in outline.root] == ["one", "two", "three"]


def test_what_an_action_goes_on_with_goes():
    out = io.BytesIO()
    with pikepdf.new() as document:
        page = document.add_blank_page()
        script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=SERIAL.decode())
        turn = pikepdf.Dictionary(S=pikepdf.Name.GoTo, D=[page.obj, pikepdf.Name.Fit], Next=script)
        page.obj.Annots = [
            pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], A=turn)
        ]
        document.save(out)
    assert b"JavaScript" not in unpacked(strip_pdf(out.getvalue()))


def test_fields_keep_their_names_and_answers_but_no_signature():
    out = io.BytesIO()
    with pikepdf.new() as document:
        page = document.add_blank_page()
        seal = pikepdf.Dictionary(Type=pikepdf.Name.Sig, Name=SERIAL.decode(), Contents=SERIAL)
        fields = [
            document.make_indirect(
                pikepdf.Dictionary(Subtype=pikepdf.Name.Widget, Rect=[0, 0, 9, 9], FT=kind, T=name, V=answer)
            )
            for kind, name, answer in ((pikepdf.Name.Tx, "street", "a road"), (pikepdf.Name.Sig, "signed", seal))
        ]
        page.obj.Annots = fields
        document.Root.AcroForm = pikepdf.Dictionary(Fields=fields)
        document.save(out)
    shown = strip_pdf(out.getvalue())
    assert SERIAL not in unpacked(shown)
    with pikepdf.open(io.BytesIO(shown)) as document:
        street, signed = document.Root.AcroForm.Fields
        assert (str(street.T), str(street.V), str(signed.T)) == ("street", "a road", "signed")
        assert "/V" not in signed


def jp2():
    out = io.BytesIO()
    Image.open(io.BytesIO(picture())).save(out, "JPEG2000")
    return out.getvalue() + box(b"xml ", b"<x:xmpmeta>" + SERIAL) + box(b"uuid", SERIAL)


@pytest.mark.parametrize(
    ("filters", "packed"),
    [
        (["/DCTDecode"], picture()),
        (["/FlateDecode", "/DCTDecode"], zlib.compress(picture())),
        (["/ASCIIHexDecode", "/FlateDecode", "/DCTDecode"], zlib.compress(picture()).hex().encode() + b">"),
        (["/JPXDecode"], jp2()),
        (["/FlateDecode", "/JPXDecode"], zlib.compress(jp2())),
    ],
    ids=["listed", "packed", "packed twice", "jpeg 2000", "packed jpeg 2000"],
)
def test_a_photo_is_stripped_whatever_it_is_packed_in(filters, packed):
    out = io.BytesIO()
    with pikepdf.new() as document:
        page = document.add_blank_page()
        photo = document.make_stream(packed, Subtype=pikepdf.Name.Image, Width=320, Height=200)
        photo.Filter = pikepdf.Array([pikepdf.Name(each) for each in filters])
        page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Photo=photo))
        document.save(out)
    shown = strip_pdf(out.getvalue())
    assert strip_pdf(shown) == shown
    with pikepdf.open(io.BytesIO(shown)) as document:
        raw = document.pages[0].Resources.XObject.Photo.read_raw_bytes()
    assert SERIAL not in raw
    with Image.open(io.BytesIO(raw)) as opened:
        opened.load()
        assert opened.size == (320, 200)


@pytest.mark.parametrize("asked", ["a word", ""], ids=["to open it", "to change it"])
def test_an_encrypted_pdf_is_refused_by_name(asked):
    locked = pdf(encryption=pikepdf.Encryption(owner="an owner", user=asked))
    with pytest.raises(FileRefused) as refused:
        strip_pdf(locked)
    assert refused.value.reason == "document-encrypted"


CIRCLE = (
    b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[2 0 R]/Count 1>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.7",
        b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
        CIRCLE,
        b"%PDF-1.7\n" + b"[" * 100_000,
    ],
    ids=["nothing", "no page", "a page tree in a circle", "deep"],
)
def test_what_has_no_page_or_no_end_is_refused(content):
    with pytest.raises(FileRefused) as refused:
        strip_pdf(content)
    assert refused.value.reason == "document-damaged"


@given(content=st.binary(max_size=200), at=st.floats(0, 1))
def test_damage_anywhere_is_refused_or_still_tells_nothing(content, at):
    whole = telling_pdf()
    cut = int(len(whole) * at)
    try:
        shown = strip_pdf(whole[:cut] + content + whole[cut + len(content) :])
    except FileRefused:
        return
    assert TRAILER not in shown
