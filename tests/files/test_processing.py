"""Files from outside are read in a confined child: what harms its reader, or takes too much, is refused in words."""

import io
import random
import struct
import threading
import zlib

import pikepdf
import pytest
from PIL import Image

from server.attachments import processing
from server.attachments.errors import FileRefused, ReadingLate
from server.config import Config
from server.confined import Limits, Task
from tests.confined.children import readers
from tests.files.pictures import SERIAL, TRAILER, bomb, exif, pdf, photo_heic, picture, telling_pdf

pytestmark = pytest.mark.long


def large_jpeg(width, height):
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(out, "JPEG", quality=50, exif=exif(6))
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (picture(), "image/jpeg"),
        (picture("PNG"), "image/png"),
        (picture("WEBP"), "image/webp"),
        (photo_heic(), "image/heic"),
        (telling_pdf(), "application/pdf"),
    ],
    ids=["jpeg", "png", "webp", "heic", "pdf"],
)
def test_every_type_is_checked_and_stripped_in_a_child(content, kind):
    checked = processing.check(content)
    assert (checked.media.type, checked.media.readable) == (kind, kind != "application/pdf")
    assert SERIAL in content
    assert SERIAL not in checked.served
    small = processing.preview(checked.served)
    if checked.media.readable:
        with Image.open(io.BytesIO(small.content)) as opened:
            assert opened.size == (200, 320), "the right way up"
    else:
        assert small is None


def test_the_photo_of_a_large_sensor_is_taken_and_made_small():
    content = large_jpeg(12_000, 9_000)
    checked = processing.check(content)
    assert checked.media.type == "image/jpeg"
    with Image.open(io.BytesIO(processing.preview(checked.served).content)) as small:
        assert small.size == (360, 480)


def test_a_file_of_as_many_bytes_as_may_be_sent_is_within_the_bounds_of_its_reader():
    most = Config.file_limit_bytes
    plain = picture(orientation=1).removesuffix(TRAILER)
    filled = plain[:-2] + bytes(most - len(plain)) + plain[-2:]
    assert len(filled) == most
    assert len(processing.check(filled).served) > most - 1000
    with pikepdf.new() as document:
        document.add_blank_page().obj.Contents = document.make_stream(bytes(most - 2000))
        out = io.BytesIO()
        document.save(out, compress_streams=False)
    assert len(processing.check(out.getvalue()).served) > most - 4000


def test_a_small_file_of_many_pixels_is_refused_before_they_are_unpacked():
    for content in (bomb(), bomb(8_900, 8_900)):
        with pytest.raises(FileRefused) as refused:
            processing.check(content)
        assert refused.value.reason == "picture-too-large"
        assert refused.value.data["limit_pixels"] == 50_000_000
    assert processing.preview(bomb(20_000, 20_000)) is None


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize("kind", [b"iTXt", b"zTXt", b"iCCP"])
def test_a_text_or_profile_that_unpacks_to_more_is_no_harm(kind):
    packed = zlib.compress(bytes(200_000_000), 9)
    head = {b"iTXt": b"a\0\1\0\0\0", b"zTXt": b"a\0\0", b"iCCP": b"a\0\0"}[kind]
    out = io.BytesIO()
    Image.new("RGB", (40, 20), "green").save(out, "PNG")
    content = out.getvalue()[:33] + chunk(kind, head + packed) + out.getvalue()[33:]
    if kind != b"iCCP":
        assert len(processing.check(content).served) == len(out.getvalue())
        return
    with pytest.raises(FileRefused) as refused:
        processing.check(content)
    assert refused.value.reason == "picture-damaged"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(memory_bytes=48 << 20), "takes-too-much"),
        (Limits(output_bytes=100), "takes-too-much"),
    ],
    ids=["memory", "output"],
)
def test_a_file_that_takes_too_much_to_read_is_refused_as_that(monkeypatch, limits, reason):
    content = picture(orientation=1) + bytes(90_000_000)
    monkeypatch.setattr(processing, "_CHECK_PICTURE", Task("server.attachments.pictures:check", limits))
    with pytest.raises(FileRefused) as refused:
        processing.check(content)
    assert refused.value.reason == reason
    assert not readers()


def test_a_machine_that_is_too_busy_is_no_fault_of_the_file(monkeypatch):
    for name in ("_CHECK_PICTURE", "_CHECK_DOCUMENT", "_PREVIEW"):
        task = getattr(processing, name)
        monkeypatch.setattr(processing, name, Task(task.function, Limits(wall_s=0.01)))
    for reading, content in (
        (processing.check, picture()),
        (processing.check, pdf()),
        (processing.preview, picture()),
    ):
        with pytest.raises(ReadingLate):
            reading(content)


def test_no_more_files_are_read_at_a_time_than_memory_is_for(monkeypatch):
    monkeypatch.setattr(processing, "_TURN_WITHIN_S", 0.01)
    with processing._turns, processing._turns, pytest.raises(ReadingLate):
        processing.check(picture())
    for _ in range(3):
        with pytest.raises(FileRefused):
            processing.check(picture()[:500])
    assert processing.check(picture()).served, "a turn is given back, however a file ended"


def test_a_child_that_somebody_kills_is_no_fault_of_the_file(monkeypatch):
    monkeypatch.setattr(processing, "_CHECK_PICTURE", Task("tests.confined.deeds:sleep"))
    found = threading.Event()

    def kill():
        while not found.wait(0.02):
            for each in readers():
                found.set()
                each.kill()

    threading.Thread(target=kill).start()
    with pytest.raises(ReadingLate):
        processing.check(picture())


def test_a_reader_that_crashes_is_a_damaged_file_and_no_crash_of_ours(monkeypatch):
    monkeypatch.setattr(processing, "_CHECK_PICTURE", Task("tests.confined.deeds:crash"))
    monkeypatch.setattr(processing, "_CHECK_DOCUMENT", Task("tests.confined.deeds:fail"))
    monkeypatch.setattr(processing, "_PREVIEW", Task("tests.confined.deeds:crash"))
    for content, reason in ((picture(), "picture-damaged"), (pdf(), "document-damaged")):
        with pytest.raises(FileRefused) as refused:
            processing.check(content)
        assert refused.value.reason == reason
    assert processing.preview(picture()) is None


def test_what_is_logged_of_a_file_that_cannot_be_read_is_nothing_that_is_in_it(monkeypatch, capsys):
    monkeypatch.setattr(
        processing, "_PREVIEW", Task("server.attachments.photo_prints:preview", Limits(output_bytes=10))
    )
    assert processing.preview(picture()) is None
    told = capsys.readouterr()
    assert SERIAL.decode() not in told.out + told.err


def scene(seed, *, size=(1600, 1200), quality=90):
    drawn = random.Random(seed)
    with Image.new("RGB", (1600, 1200), "white") as canvas:
        for _ in range(40):
            x, y = drawn.randrange(1600), drawn.randrange(1200)
            colour = tuple(drawn.randrange(256) for _ in range(3))
            canvas.paste(colour, (x, y, x + drawn.randrange(1, 400), y + drawn.randrange(1, 400)))
        out = io.BytesIO()
        canvas.resize(size).save(out, "JPEG", quality=quality)
    return out.getvalue()


def test_a_photo_is_known_again_when_it_is_made_smaller_and_another_is_not():
    first, again = processing.preview(scene(1)), processing.preview(scene(1, size=(800, 600), quality=40))
    other = processing.preview(scene(2))
    unsigned = [each.phash & (1 << 64) - 1 for each in (first, again, other)]
    assert (unsigned[0] ^ unsigned[1]).bit_count() <= 3
    assert (unsigned[0] ^ unsigned[2]).bit_count() > 12


def test_a_photo_of_nothing_is_made_small_and_has_no_print():
    out = io.BytesIO()
    Image.new("RGB", (640, 480), "black").save(out, "JPEG")
    small = processing.preview(out.getvalue())
    assert (small.phash, small.content[:2]) == (None, b"\xff\xd8")
