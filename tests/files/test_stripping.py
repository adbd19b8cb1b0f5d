"""What others see of a picture: the same pixels, and nothing of who took it, with what, and where."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from server.attachments.errors import FileRefused
from server.attachments.media import sniff
from server.attachments.pictures import EDGE_PX, examine, shrink
from server.attachments.stripping import strip
from tests.files.pictures import MAKER, SERIAL, TRAILER, bomb, box, exif, heic, photo_heic, picture, pixels, segment

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
    assert sniff(content) == kind
    examine(content, kind)
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


def coordinates():
    """The position of the pictures as it stands in their bytes, in both orders of bytes."""
    for order in "<>":
        yield struct.pack(f"{order}6I", 25, 1, 41, 1, 975, 100)
        yield struct.pack(f"{order}4I", 25, 1, 41, 1)
        yield struct.pack(f"{order}4I", 114, 1, 18, 1)


@pytest.mark.parametrize(
    ("kind", "content"), [*TAKEN, ("image/heic", photo_heic())], ids=[*NAMES, "heic of an encoder"]
)
def test_no_byte_of_the_position_the_maker_or_a_thumbnail_is_in_what_is_served(kind, content):
    assert any(each in content for each in coordinates())
    shown = strip(content, kind)
    for secret in (*coordinates(), SERIAL, MAKER, b"GPS", b"xmpmeta", b"ns.adobe.com"):
        assert secret not in shown
    assert strip(shown, kind) == shown


def test_a_thumbnail_within_exif_goes_with_it():
    thumbnail = b"\xff\xd8\xff\xdb" + SERIAL + b"\xff\xd9"
    app1 = segment(0xE1, b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00" + thumbnail)
    mpf = segment(0xE2, b"MPF\x00" + SERIAL)
    told = picture(orientation=1)
    shown = strip(told[:2] + app1 + mpf + told[2:], "image/jpeg")
    assert thumbnail not in shown
    assert SERIAL not in shown


def test_a_thumbnail_within_jfif_goes_and_the_density_stays():
    with Image.open(io.BytesIO(picture(orientation=1, dpi=(300, 200)))) as opened:
        plain = opened.info["dpi"]
    told = picture(orientation=1, dpi=(300, 200))
    [at] = [found for found in range(len(told)) if told[found : found + 9] == b"\xff\xe0\x00\x10JFIF\x00"]
    fat = segment(0xE0, told[at + 4 : at + 16] + b"\x04\x01" + SERIAL + b"\x00")
    shown = strip(told[:at] + fat + told[at + 18 :], "image/jpeg")
    assert SERIAL not in shown
    head = shown.index(b"JFIF\x00")
    assert shown[head + 12 : head + 14] == b"\x00\x00", "of a thumbnail of no size"
    with Image.open(io.BytesIO(shown)) as opened:
        assert opened.info["dpi"] == plain == (300, 200)


@pytest.mark.long
def test_a_heic_whose_exif_was_zeroed_still_gets_a_preview():
    content = photo_heic()
    at = content.index(b"MM\x00*") if b"MM\x00*" in content else content.index(b"II*\x00")
    with Image.open(io.BytesIO(shrink(content[:at] + bytes(8) + content[at + 8 :], "image/heic"))) as small:
        assert small.size == (200, 320)


@pytest.mark.long
def test_a_heic_of_an_encoder_shows_the_same_pixels_the_same_way_up_after_stripping():
    content = photo_heic()
    shown = strip(content, "image/heic")
    examine(shown, "image/heic")
    assert pixels(shown) == pixels(content)
    with Image.open(io.BytesIO(shrink(shown, "image/heic"))) as small:
        assert (small.format, small.size) == ("JPEG", (200, 320))


@pytest.mark.parametrize("animated", [True, False])
def test_a_webp_loses_what_it_tells_and_keeps_its_frames(animated):
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "green", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=animated, append_images=frames[1:] if animated else [], exif=exif(3))
    shown = strip(out.getvalue(), "image/webp")
    assert SERIAL not in shown
    with Image.open(io.BytesIO(shown)) as opened:
        assert getattr(opened, "n_frames", 1) == (3 if animated else 1)
    with Image.open(io.BytesIO(shrink(shown, "image/webp"))) as small:
        assert small.size == (64, 48)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("CMYK", "JPEG"), ("L", "JPEG"), ("1", "PNG"), ("P", "PNG"), ("LA", "PNG"), ("RGBA", "PNG"), ("I;16", "PNG"),
     ("RGBA", "WEBP")],
)  # fmt: skip
def test_pictures_of_all_kinds_of_pixels_get_a_preview(mode, kind):
    plain = Image.linear_gradient("L").resize((600, 300))
    if mode == "I;16":
        drawn = Image.frombytes("I;16", (600, 300), b"".join(bytes((0, grey)) for grey in plain.tobytes()))
    else:
        drawn = plain.convert("RGB").convert(mode)
    out = io.BytesIO()
    drawn.save(out, kind)
    media_type = f"image/{kind.lower()}"
    examine(out.getvalue(), media_type)
    with Image.open(io.BytesIO(shrink(strip(out.getvalue(), media_type), media_type))) as small:
        assert (small.mode, small.size) == ("RGB", (480, 240))
        top, bottom = small.getpixel((240, 8)), small.getpixel((240, 232))
    assert max(top) < 60
    assert min(bottom) > 195


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xd8\xff\xe0" + b"\x00" * 100, "picture-damaged"),
        (b"\x00\x00\x00\x10ftypheic" + b"\x00" * 100, "picture-damaged"),
        (heic(), "picture-damaged"),
        (bomb(), "picture-too-large"),
        (bomb(10_000, 10_000), "picture-too-large"),
        (bomb(8_000, 8_000), "picture-too-large"),
        (bomb(30_000, 10), "picture-too-large"),
    ],
    ids=["no jpeg", "no heic", "a heic that draws nothing", "bomb", "smaller bomb", "cheap bomb", "ribbon"],
)
def test_what_is_no_picture_or_no_honest_one_is_refused(content, reason):
    with pytest.raises(FileRefused) as refused:
        examine(content, sniff(content))
    assert refused.value.reason == reason


@pytest.mark.parametrize("content", [b"GIF89a" + b"\x00" * 40, b"<html><script>alert(1)</script>", b"", b" %PDF-1.7"])
def test_other_types_are_none_that_is_taken(content):
    assert sniff(content) is None


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
    small = shrink(strip(large, kind), kind)
    with Image.open(io.BytesIO(small)) as opened:
        assert opened.format == "JPEG"
        assert opened.size == (EDGE_PX // 2, EDGE_PX), "turned by its orientation"
        assert not dict(opened.getexif())
    assert len(small) < 100_000


def test_what_is_transparent_becomes_white_in_a_preview():
    out = io.BytesIO()
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(out, "PNG")
    with Image.open(io.BytesIO(shrink(out.getvalue(), "image/png"))) as opened:
        assert opened.getpixel((10, 10)) == (255, 255, 255)
