"""Pictures as phones make them: with a position, a serial number and a trailer; documents; and a HEIC by its boxes."""

import io
import random
import struct
import zlib
from functools import cache

import pikepdf
import pillow_heif
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


@cache
def photo_heic(*, size=(320, 200), orientation=6, seed=1):
    """A HEIC by the encoder of libheif, with Exif and XMP beside the picture."""
    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    out = io.BytesIO()
    drawn = Image.frombytes("RGB", size, random.Random(seed).randbytes(size[0] * size[1] * 3))
    drawn.save(out, "HEIF", quality=60, exif=exif(orientation).tobytes(), xmp=b"<x:xmpmeta>" + SERIAL)
    return out.getvalue()


def pdf(**saving):
    """A PDF of one page."""
    out = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page(page_size=(200, 100))
        document.save(out, **saving)
    return out.getvalue()


def telling_pdf():
    """A PDF with all that one can tell beside its page: each place holds the serial number once or more."""
    told = pikepdf.String(SERIAL.decode())
    out = io.BytesIO()
    with pikepdf.new() as document:
        page = document.add_blank_page(page_size=(200, 100))

        def stream(content, **keys):
            return document.make_stream(content, pikepdf.Dictionary(**keys))

        def script():
            return pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=told)

        def annotation(kind, **keys):
            return document.make_indirect(
                pikepdf.Dictionary(
                    Type=pikepdf.Name.Annot, Subtype=pikepdf.Name(kind), Rect=[0, 0, 9, 9], T=told, M=told, **keys
                )
            )

        photo = stream(
            picture(), Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image, Width=320, Height=200,
            ColorSpace=pikepdf.Name.DeviceRGB, BitsPerComponent=8, Filter=pikepdf.Name.DCTDecode,
        )  # fmt: skip
        page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Photo=photo))
        photo.OPI = pikepdf.Dictionary({"/2.0": pikepdf.Dictionary(F=told)})
        maker = pikepdf.Dictionary(CreatorInfo=pikepdf.Dictionary(Creator=told))
        layer = document.make_indirect(pikepdf.Dictionary(Type=pikepdf.Name.OCG, Name="roads", Usage=maker))
        page.obj.Resources.Properties = pikepdf.Dictionary(MC0=layer)
        page.obj.Contents = stream(b"q 200 0 0 100 0 0 cm /Photo Do Q")
        page.obj.PieceInfo = pikepdf.Dictionary(Maker=pikepdf.Dictionary(Private=told))
        page.obj.Metadata = stream(b"<x:xmpmeta>" + SERIAL)
        page.obj.AA = pikepdf.Dictionary(O=script())
        document.attachments["hidden.txt"] = SERIAL
        held = pikepdf.Dictionary(Type=pikepdf.Name.Filespec, F=told, EF=pikepdf.Dictionary(F=stream(SERIAL)))
        page.obj.Annots = pikepdf.Array(
            [
                annotation("/Text", Contents=pikepdf.String("a remark")),
                annotation("/FileAttachment", FS=held),
                annotation("/Link", A=script()),
                annotation("/Link", A=pikepdf.Dictionary(S=pikepdf.Name.URI, URI=told)),
                annotation("/RichMedia", RichMediaContent=pikepdf.Dictionary(Assets=held)),
            ]
        )
        document.Root.OpenAction = script()
        document.Root.Names.JavaScript = pikepdf.Dictionary(Names=[told, script()])
        document.Root.AcroForm = pikepdf.Dictionary(Fields=[], XFA=stream(SERIAL))
        document.Root.PieceInfo = pikepdf.Dictionary(Maker=told)
        document.docinfo["/Author"] = told
        with document.open_metadata() as metadata:
            metadata["dc:creator"] = [SERIAL.decode()]
        document.save(out, object_stream_mode=pikepdf.ObjectStreamMode.disable, compress_streams=False)
    return b"%PDF-1.4 " + out.getvalue() + TRAILER


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
