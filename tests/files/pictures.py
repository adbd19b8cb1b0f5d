"""Pictures as phones make them: with a position, a serial number and a trailer; and a HEIC made of its boxes."""

import io
import random
import struct
import zlib

from PIL import ExifTags, Image

SERIAL = b"SERIAL-4711"
MAKER = b"PhoneMaker"
TRAILER = b"a film with a position behind the picture"
LAT = (25.0, 41.0, 9.75)


def exif(orientation=6):
    told = Image.Exif()
    told[ExifTags.Base.Orientation] = orientation
    told[ExifTags.Base.Make] = MAKER.decode()
    told.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: LAT, 3: "E", 4: (114.0, 18.0, 0.0)})
    told.get_ifd(ExifTags.IFD.Exif)[0xA431] = SERIAL.decode()
    return told


def picture(kind="JPEG", *, size=(320, 200), orientation=6, seed=1, **more):
    noise = random.Random(seed).randbytes(size[0] * size[1] * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", size, noise).save(out, kind, exif=exif(orientation), **more)
    content = out.getvalue()
    if kind == "JPEG":
        xmp = b"http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta>" + SERIAL
        content = content[:2] + segment(0xFE, SERIAL) + segment(0xE1, xmp) + content[2:]
    return content + TRAILER


def segment(marker, body):
    return struct.pack(">BBH", 0xFF, marker, 2 + len(body)) + body


def sized(size_bytes, seed=1):
    """A PNG of a little more than so many bytes: noise does not compress."""
    edge = max(16, int((size_bytes / 3) ** 0.5) + 1)
    return picture("PNG", size=(edge, edge), seed=seed, compress_level=0)


def pixels(content):
    with Image.open(io.BytesIO(content)) as opened:
        return opened.convert("RGB").tobytes()


def pdf():
    return b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def bomb(width=30_000, height=30_000):
    """A PNG of a few hundred bytes that says it has so many pixels."""
    out = io.BytesIO()
    Image.new("1", (8, 8)).save(out, "PNG")
    content = bytearray(out.getvalue())
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


def box(kind, body):
    return struct.pack(">I4s", 8 + len(body), kind) + body


def heic(*, secret=SERIAL, drawn=b"the picture itself", method=0, more=b""):
    """A HEIC by its boxes: item 1 draws, item 2 is Exif, item 3 XMP; a maker's box and a film come after."""

    def infe(item, kind):
        return box(b"infe", b"\x02\x00\x00\x00" + struct.pack(">HH4s", item, 0, kind) + b"\x00")

    items = ((1, drawn), (2, secret), (3, b"<x:xmpmeta>" + secret))
    ftyp = box(b"ftyp", b"heic\x00\x00\x00\x00mif1heic")
    iinf = box(b"iinf", b"\x00\x00\x00\x00\x00\x03" + infe(1, b"hvc1") + infe(2, b"Exif") + infe(3, b"mime"))
    size_of_iloc = 8 + 4 + 2 + 2 + 3 * (2 + 2 + 2 + 2 + 4 + 4)
    idat = box(b"idat", b"".join(each for _, each in items)) if method else b""
    head = len(ftyp) + 8 + 4 + len(iinf) + size_of_iloc + len(idat) + 8
    at, entries = 0 if method else head, b""
    for item, content in items:
        entries += struct.pack(">HHHHII", item, method, 0, 1, at, len(content))
        at += len(content)
    iloc = box(b"iloc", b"\x01\x00\x00\x00\x44\x00\x00\x03" + entries)
    assert len(iloc) == size_of_iloc
    meta = box(b"meta", b"\x00\x00\x00\x00" + iinf + iloc + idat)
    mdat = box(b"mdat", b"" if method else b"".join(each for _, each in items))
    return ftyp + meta + mdat + box(b"mpvd", b"film " + secret) + more
