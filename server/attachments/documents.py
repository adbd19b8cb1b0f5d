"""What is done with a PDF in a confined child: all that shows its pages is written anew, and nothing else of it.

Owns the use of pikepdf. Taken out are who made it when and with what (document information, XMP, authors and times of
annotations, the data of programs), what it carries beside its pages (embedded files, earlier states, thumbnails), and
what it does (scripts, actions, forms of XFA); photos inside are stripped as photos are. Encrypted ones are refused:
nobody could look into them. Runs by ``server.attachments.processing``; knows no uploads and no store.

Source: ISO 32000-2, 7.7 (structure), 12.5 (annotations), 12.6 (actions), 14.3 (metadata).
"""

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream

from server.attachments.errors import FileRefused
from server.attachments.stripping import strip_jp2, strip_jpeg
from server.confined import Told

_OF_THE_ROOT = frozenset(
    {"/Type", "/Version", "/Pages", "/PageLabels", "/PageLayout", "/PageMode", "/ViewerPreferences", "/Outlines",
     "/Dests", "/Names", "/Lang", "/MarkInfo", "/StructTreeRoot", "/OCProperties", "/OutputIntents", "/AcroForm"}
)  # fmt: skip
# Of any dictionary, wherever it is: what tells of programs and times, what is embedded, and what runs.
_NOWHERE = (
    *("/Metadata", "/PieceInfo", "/LastModified", "/CreatorInfo", "/Thumb", "/AF", "/EF", "/RF", "/OPI"),
    *("/AA", "/JS", "/XFA"),
)
_OF_ANNOTATIONS = ("/T", "/CreationDate", "/M", "/NM", "/RC", "/Subj")
_NOT_SHOWN = frozenset(
    {"/FileAttachment", "/RichMedia", "/Movie", "/Sound", "/Screen", "/3D", "/TrapNet", "/Projection"}
)
_TELLING = (b"Exif\x00", b"http://ns.adobe.com/", b"Photoshop ", b"<x:xmpmeta")
_PHOTOS = {"/DCTDecode": strip_jpeg, "/DCT": strip_jpeg, "/JPXDecode": strip_jp2}


def check(told: Told, name: str, kind: str) -> dict[str, Any]:
    """Return {"served": a file in this folder as others may see it}, or {"refused": why, "data": more of it}."""
    del told, kind
    try:
        return {"served": strip_pdf(Path(name).read_bytes())}
    except FileRefused as refusal:
        return {"refused": refusal.reason, "data": refusal.data}


def strip_pdf(content: bytes) -> bytes:
    """Return a PDF of the same pages. Raises ``FileRefused`` for one that is encrypted, or cannot be followed."""
    try:
        with Pdf.open(io.BytesIO(content), suppress_warnings=True) as pdf:
            if pdf.is_encrypted:
                raise FileRefused("document-encrypted")
            if len(pdf.pages) == 0:
                raise FileRefused("document-damaged")
            _clean(pdf)
            out = io.BytesIO()
            pdf.save(out, deterministic_id=True, compress_streams=False, linearize=False)
    except pikepdf.PasswordError as error:
        raise FileRefused("document-encrypted") from error
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise FileRefused("document-damaged") from error
    return out.getvalue()


def _clean(pdf: Pdf) -> None:
    root = pdf.Root
    for key in set(root.keys()) - _OF_THE_ROOT:
        del root[key]
    if "/Names" in root:
        named = root.Names.get("/Dests")
        root.Names = Dictionary() if named is None else Dictionary(Dests=named)
    if "/Info" in pdf.trailer:
        del pdf.trailer["/Info"]
    for found in list(pdf.objects):
        for each in _within(found):
            _clean_one(each)
        if isinstance(found, Stream):
            _clean_photo(pdf, found)


def _within(found: Any) -> Iterator[Any]:
    """Yield the dictionaries of an object, itself among them, that are no objects of their own."""
    waiting = [found]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Array):
            children = list(each)
        elif isinstance(each, (Dictionary, Stream)):
            yield each
            children = [each[key] for key in each.keys()]  # noqa: SIM118  # not a mapping
        else:
            continue
        waiting += [child for child in children if isinstance(child, (Array, Dictionary)) and not child.is_indirect]


def _clean_one(found: Any) -> None:
    for key in _NOWHERE:
        if key in found:
            del found[key]
    if _acts(found.get("/A")):
        del found["/A"]
    # What an action goes on with; the entries of an outline follow one another by the same word.
    if "/S" in found and "/Next" in found:
        del found["/Next"]
    if found.get("/FT") == Name.Sig and "/V" in found:
        del found["/V"]
    if isinstance(found.get("/Annots"), Array):
        found["/Annots"] = Array([each for each in found["/Annots"] if _is_shown(each)])
    if "/Subtype" in found and "/Rect" in found:
        _clean_annotation(found)


def _acts(action: Any) -> bool:
    """Return whether a value is an action that does more than turn to a page of this document."""
    return isinstance(action, Dictionary) and "/S" in action and action["/S"] != Name.GoTo


def _is_shown(annotation: Any) -> bool:
    return isinstance(annotation, Dictionary) and str(annotation.get("/Subtype")) not in _NOT_SHOWN


def _clean_annotation(annotation: Any) -> None:
    # The /T of a field is its name.
    is_field = annotation["/Subtype"] == Name.Widget
    for key in _OF_ANNOTATIONS:
        if key in annotation and not (is_field and key == "/T"):
            del annotation[key]


def _clean_photo(pdf: Pdf, image: Any) -> None:
    """Strip a photo, whatever it is packed in besides."""
    filters, parms = _listed(image.get("/Filter")), _listed(image.get("/DecodeParms"))
    if not filters or str(filters[-1]) not in _PHOTOS:
        return
    raw = image.read_raw_bytes()
    if len(filters) > 1:
        packed = pdf.make_stream(raw, Filter=Array(filters[:-1]))
        if len(parms) == len(filters):
            packed.DecodeParms = Array(parms[:-1])
        raw = packed.read_bytes()
    try:
        stripped = _PHOTOS[str(filters[-1])](raw)
    except (ValueError, IndexError, struct.error) as error:
        # A photo without an end is shown by most programs; one that may tell something is not.
        if any(each in raw for each in _TELLING):
            raise FileRefused("document-damaged") from error
        return
    if stripped != raw:
        own = parms[-1] if len(parms) == len(filters) and isinstance(parms[-1], Dictionary) else None
        image.write(stripped, filter=filters[-1], decode_parms=own)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, Array) else [value]
