"""What is done with a picture in a confined child: looked at, stripped, made small.

Owns the use of Pillow and libheif. Runs where a picture that harms its reader harms nobody, by
``server.attachments.processing``; knows no uploads and no store. Everything that is needed later is imported here,
since a child can load nothing once it is confined.
"""

import io
import warnings
from pathlib import Path
from typing import Any

import pillow_heif
from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from server.attachments.errors import FileRefused
from server.attachments.media import MOST_EDGE_PX, MOST_PIXELS
from server.attachments.stripping import strip
from server.confined import Told

EDGE_PX = 480
QUALITY = 78
_PLUGINS = (JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin)
_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/heic": "HEIF"}

Image.preinit()
Image.MAX_IMAGE_PIXELS = None
# What a picture carries beside itself is of no use here, and a thread has a stack of its own.
pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)


def check(told: Told, name: str, kind: str) -> dict[str, Any]:
    """Return {"served": a file in this folder as others may see it}, or {"refused": why, "data": more of it}."""
    del told
    content = Path(name).read_bytes()
    try:
        # Stripped first: what goes anyway may be as damaged or as large as it likes.
        served = strip(content, kind)
        examine(served, kind)
    except FileRefused as refusal:
        return {"refused": refusal.reason, "data": refusal.data}
    return {"served": served}


def examine(content: bytes, kind: str) -> None:
    """Read the head, and what can be verified without unpacking pixels.

    Raises ``FileRefused`` for damaged pictures and those that have more pixels than their kind may.
    """
    try:
        with _opened(content, kind) as picture:
            width, height = picture.size
            if kind != "image/heic":
                picture.verify()
    except Exception as error:  # the libraries raise whatever the bytes lead them to
        raise FileRefused("picture-damaged") from error
    most = MOST_PIXELS[kind]
    if width * height > most or max(width, height) > MOST_EDGE_PX:
        raise FileRefused("picture-too-large", limit_pixels=most, limit_edge_px=MOST_EDGE_PX)


def shrink(content: bytes, kind: str) -> bytes:
    """Return a JPEG of at most ``EDGE_PX`` a side, upright, without metadata."""
    with _opened(content, kind) as picture:
        # Reads a JPEG at an eighth of its size where that is enough: memory follows the preview.
        picture.draft("RGB", (EDGE_PX * 2, EDGE_PX * 2))
        picture.thumbnail((EDGE_PX, EDGE_PX), reducing_gap=2.0)
        # libheif has turned it already.
        upright = picture if kind == "image/heic" else ImageOps.exif_transpose(picture)
        small = _on_white(_in_eight_bits(upright))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def _opened(content: bytes, kind: str) -> Image.Image:
    with warnings.catch_warnings():
        # Pillow warns of sizes that are judged here, and of Exif that is not kept.
        warnings.simplefilter("ignore")
        return Image.open(io.BytesIO(content), formats=[_FORMATS[kind]])


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """Return a picture of 16 bits a grey in 8: Pillow cuts them off at 255, which is all white."""
    if not picture.mode.startswith("I"):
        return picture
    return picture.convert("I").point(lambda grey: grey * (1 / 256)).convert("L")


def _on_white(picture: Image.Image) -> Image.Image:
    """Return the picture in RGB without metadata; what is transparent becomes white."""
    whole = picture.convert("RGBA")
    flat = Image.new("RGB", whole.size, "white")
    flat.paste(whole, mask=whole.getchannel("A"))
    return flat
