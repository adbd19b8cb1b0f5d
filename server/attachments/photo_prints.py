"""What is made of a photo in a confined child once it is shown: its preview, and the fingerprint of how it looks.

Owns the fingerprint (perceptual hash by the cosine transform, 64 bits, of the ``imagehash`` library), which outlives
scaling, new compression and small changes of colour. Runs in a child by ``server.attachments.processing``; knows no
uploads and no store. Apart from ``pictures``: the library is slow to load, and no check of a file has a use for it.
"""

import io
from pathlib import Path
from typing import Any, Final

import imagehash

# The library would load it when it is first asked, which a child cannot.
import scipy.fftpack  # noqa: F401
from PIL import Image, ImageStat

from server.attachments.pictures import shrink
from server.confined import Told

# Of 256 greys. A lens under a hand, the dark and a white wall are all alike, and no sign of anything.
_LEAST_CONTRAST: Final = 6.0


def preview(told: Told, name: str, kind: str) -> dict[str, Any]:
    """Return {"small": the preview of a file in this folder, "phash": its fingerprint, signed, or None}."""
    del told
    small = shrink(Path(name).read_bytes(), kind)
    return {"small": small, "phash": fingerprint(small)}


def fingerprint(small: bytes) -> int | None:
    """Return the fingerprint of a small JPEG, 64 bits with a sign; None where there is next to nothing on it."""
    with Image.open(io.BytesIO(small), formats=["JPEG"]) as picture:
        grey = picture.convert("L")
        if ImageStat.Stat(grey).stddev[0] < _LEAST_CONTRAST:
            return None
        bits = int(str(imagehash.phash(grey)), 16)
    return bits - (1 << 64) if bits >> 63 else bits
