"""What others see of a picture: the same pixels, and nothing of who took it, with what, and where."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from server.attachments.errors import FileRefused
from server.attachments.media import examine, sniff
from server.attachments.previews import EDGE_PX, shrink
from server.attachments.stripping import strip
from tests.files.pictures import MAKER, SERIAL, TRAILER, bomb, box, heic, pdf, picture, pixels

TAKEN = [
    ("image/jpeg", picture()),
    ("image/jpeg", picture(progressive=True)),
    ("image/png", picture("PNG")),
    ("image/webp", picture("WEBP")),
    ("image/webp", picture("WEBP", lossless=True)),
]
NAMES = ["jpeg", "progressive jpeg", "png", "webp", "lossless webp"]


@pytest.mark.parametrize(("kind", "content"), TAKEN, ids=NAMES)
def test_others_see_the_same_pixels_and_nothing_of_the_author(kind, content):
    assert examine(content).type == kind
    shown = strip(content, kind)
    assert pixels(shown) == pixels(content)
    for secret in (SERIAL, MAKER, TRAILER):
        assert secret in content
        assert secret not in shown
    with Image.open(io.BytesIO(shown)) as opened:
        told = opened.getexif()
        assert dict(told) == {ExifTags.Base.Orientation: 6}, "it is still the right way up"
        assert not told.get_ifd(ExifTags.IFD.GPSInfo)
    assert strip(shown, kind) == shown


@pytest.mark.parametrize(("kind", "content"), TAKEN, ids=NAMES)
def test_a_picture_that_is_upright_keeps_no_exif_at_all(kind, content):
    upright = picture(kind.partition("/")[2].upper(), orientation=1)
    with Image.open(io.BytesIO(strip(upright, kind))) as opened:
        assert not dict(opened.getexif())


def test_a_colour_profile_stays():
    from PIL import ImageCms  # noqa: PLC0415  # for this one picture

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    shown = strip(picture(icc_profile=profile), "image/jpeg")
    with Image.open(io.BytesIO(shown)) as opened:
        assert opened.info["icc_profile"] == profile


@pytest.mark.parametrize("method", [0, 1], ids=["in the file", "in the idat box"])
def test_a_heic_keeps_what_draws_and_loses_exif_xmp_and_makers_boxes(method):
    content = heic(method=method, more=box(b"sefd", b"maker's notes " + SERIAL))
    shown = strip(content, "image/heic")
    assert sniff(content) == "image/heic"
    assert content.count(SERIAL) == 4
    assert SERIAL not in shown
    assert shown.count(b"the picture itself") == 1
    assert len(shown) == len(content), "offsets inside still hold"


@pytest.mark.parametrize(
    "content",
    [heic()[:40], b"\x00\x00\x00\x10ftypheic\x00\x00\x00\x00", heic().replace(b"iloc", b"ilok")],
    ids=["cut off", "no meta", "no places"],
)
def test_a_heic_that_cannot_be_followed_is_not_shown(content):
    with pytest.raises(FileRefused):
        strip(content, "image/heic")


def test_a_pdf_is_shown_as_it_is():
    assert strip(pdf(), "application/pdf") == pdf()
    assert not examine(pdf()).readable


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"GIF89a" + b"\x00" * 40, "type-unknown"),
        (b"<html><script>alert(1)</script>", "type-unknown"),
        (b"", "type-unknown"),
        (b"\xff\xd8\xff\xe0" + b"\x00" * 100, "picture-damaged"),
        (bomb(), "picture-too-large"),
        (bomb(10_000, 10_000), "picture-too-large"),
        (bomb(30_000, 10), "picture-too-large"),
    ],
    ids=["gif", "html", "nothing", "no jpeg", "bomb", "smaller bomb", "ribbon"],
)
def test_what_is_no_picture_or_no_honest_one_is_refused(content, reason):
    with pytest.raises(FileRefused) as refused:
        examine(content)
    assert refused.value.reason == reason


@given(content=st.binary(max_size=400), which=st.integers(0, len(TAKEN) - 1), at=st.floats(0, 1))
def test_damage_anywhere_is_refused_or_still_tells_nothing(content, which, at):
    kind, whole = TAKEN[which]
    cut = int(len(whole) * at)
    damaged = whole[:cut] + content + whole[cut + len(content) :]
    try:
        shown = strip(damaged, kind)
    except FileRefused:
        return
    assert TRAILER not in shown or TRAILER in content


@given(st.binary(max_size=300))
def test_no_bytes_at_all_make_the_strippers_fail_otherwise_than_by_refusing(content):
    for kind, head in (
        ("image/jpeg", b"\xff\xd8\xff"),
        ("image/png", b"\x89PNG\r\n\x1a\n"),
        ("image/webp", b"RIFF" + struct.pack("<I", 4 + len(content)) + b"WEBP"),
        ("image/heic", b""),
    ):
        try:
            strip(head + content, kind)
        except FileRefused:
            continue


@pytest.mark.parametrize(("kind", "content"), TAKEN, ids=NAMES)
def test_a_preview_is_small_upright_and_tells_nothing(kind, content):
    large = picture(kind.partition("/")[2].upper(), size=(1200, 600))
    small = shrink(strip(large, kind))
    with Image.open(io.BytesIO(small)) as opened:
        assert opened.format == "JPEG"
        assert opened.size == (EDGE_PX // 2, EDGE_PX), "turned by its orientation"
        assert not dict(opened.getexif())
    assert len(small) < 100_000


def test_what_is_transparent_becomes_white_in_a_preview():
    out = io.BytesIO()
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(out, "PNG")
    with Image.open(io.BytesIO(shrink(out.getvalue()))) as opened:
        assert opened.getpixel((10, 10)) == (255, 255, 255)
