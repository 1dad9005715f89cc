"""Image files decoded to 8-bit RGB, by rules that depend on nothing but the file itself.

8 bits as they are; 16-bit grey by its upper byte, of 12 bits by its upper 8; floating point from 0 to 1 times 255;
transparent pixels on white; of several pages or frames the first; turned upright as EXIF says. What has no stated
range, as 32-bit integers and other floats, is refused: guessing it from the pixels would make a dark image bright. What
fills so little of its range that almost nothing is left in 8 bits is refused too.
"""

import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from core.errors import MetaVoteError
from core.tasks.files import FORMATS, NOT_REGULAR, File, format_by_content, open_regular
from core.tasks.levels import WideColour, raw_mode, too_few_levels
from core.tasks.memory import Images

_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339  # TIFF tags
_WHITE_IS_ZERO, _UNSIGNED, _SIGNED = 0, 1, 2
_SIXTEEN_BITS_AS_I = ("PPM", "PNG")  # formats whose images of mode "I" hold 0 to 65,535
_WHITE_OVER_MOST = {"L;2": 85, "L;4": 17}  # Pillow scales the pixels of such a grey, but not the transparent value
_ENDS_EARLY = ("truncated", "broken data stream", "unexpected end", "bytes not processed")
T = TypeVar("T")


class Undecodable(Exception):
    """An image that cannot be decoded, or not rightly. Its text is the reason, in a few words."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """Decoded files. images uint8 [N, side, side, 3] and digests [N] of those that could be, in order; unreadable: the
    others, with the reasons. digest: of an image's pixels at its full size."""

    files: tuple[File, ...]
    images: Images
    digests: tuple[bytes, ...]
    unreadable: tuple[tuple[File, str], ...]

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return self.images.nbytes


def decoded(files: Sequence[File], side: int) -> Decoded:
    """Files on disk as squares of `side` pixels: their middle, downsampled."""
    good: list[File] = []
    images: list[Images] = []
    digests: list[bytes] = []
    unreadable: list[tuple[File, str]] = []
    for file in files:
        try:
            picture = decode_file(file.place)
        except Undecodable as error:
            unreadable.append((file, str(error)))
            continue
        good.append(file)
        digests.append(digest(picture))
        images.append(square(picture, side))
    stacked = np.stack(images) if images else np.empty((0, side, side, 3), np.uint8)
    return Decoded(tuple(good), stacked, tuple(digests), tuple(unreadable))


def decode_file(path: Path) -> Image.Image:
    """The upright RGB image in a file on disk. Raises Undecodable."""
    return _from(lambda: open_regular(path), _rgb)


def decode_bytes(content: bytes, check: Callable[[Image.Image], None]) -> Image.Image:
    """The upright RGB image in a file's content. check: sees the image before its pixels are decoded. Raises
    Undecodable, and what `check` raises."""

    def made(picture: Image.Image) -> Image.Image:
        check(picture)
        return _rgb(picture)

    return _from(lambda: BytesIO(content), made)


def dimensions(path: Path) -> tuple[int, int]:
    """Width and height of an image in pixels, without decoding it. Raises Undecodable."""
    return _from(lambda: open_regular(path), lambda picture: picture.size)


def digest(picture: Image.Image) -> bytes:
    """What two files share that hold the same pixels, whatever their formats."""
    made = hashlib.blake2b(struct.pack("<II", *picture.size), digest_size=16)
    made.update(picture.tobytes())
    return made.digest()


def square(picture: Image.Image, side: int) -> Images:
    """uint8 [side, side, 3]: the middle of an RGB image."""
    return np.asarray(ImageOps.fit(picture, (side, side), Image.Resampling.LANCZOS))


def _from(open_: Callable[[], BinaryIO], use: Callable[[Image.Image], T]) -> T:
    head = b""
    try:
        with open_() as file:
            head = file.read(32)
            file.seek(0)
            with Image.open(file, formats=FORMATS) as picture:
                return use(picture)
    except (Undecodable, MetaVoteError):
        raise
    except Exception as error:  # of damaged files, Pillow raises errors of every kind
        raise Undecodable(_reason(error, head)) from error


def _rgb(picture: Image.Image) -> Image.Image:
    """The image upright, in 8 bits, on white."""
    traits, wide = _Traits.of(picture), WideColour.of(picture)
    if isinstance(transparent := picture.info.get("transparency"), int):
        picture.info["transparency"] = transparent * _WHITE_OVER_MOST.get(raw_mode(picture), 1)
    if wide is not None and "transparency" in picture.info:
        raise Undecodable("16-bit colour with one transparent colour: save it with an alpha channel")
    upright = _eight_bit(ImageOps.exif_transpose(picture), traits)
    if wide is not None:
        _check_levels(upright, wide.values)
    if upright.mode == "RGB" and "transparency" not in upright.info:
        return upright
    over = upright.convert("RGBA")
    white = Image.new("RGBA", over.size, "white")
    return Image.alpha_composite(white, over).convert("RGB")


@dataclass(frozen=True)
class _Traits:
    """What a file says of its numbers: its format, and of a TIFF its bits, whether 0 is white, its kind of number."""

    format: str | None
    bits: int = 16
    white_is_zero: bool = False
    kind: int = _UNSIGNED

    @classmethod
    def of(cls, picture: Image.Image) -> "_Traits":
        tags = getattr(picture, "tag_v2", None)
        if picture.format != "TIFF" or tags is None:
            return cls(picture.format)
        bits, kinds = tags.get(_BITS) or (16,), tags.get(_SAMPLE_FORMAT) or (_UNSIGNED,)
        kind = kinds[0] if isinstance(kinds, tuple) else kinds
        first = bits[0] if isinstance(bits, tuple) else bits
        return cls("TIFF", int(first), tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO, int(kind))


def _eight_bit(picture: Image.Image, traits: _Traits) -> Image.Image:
    """The image in a mode of 8 bits. Raises Undecodable for numbers without a stated range."""
    if picture.mode == "F":
        floats = np.asarray(picture)
        grey = Image.fromarray(_from_floats(floats, traits.white_is_zero))
        _check_levels(grey, lambda: floats)
        return grey
    if traits.kind == _SIGNED:
        raise Undecodable("signed integers have no defined white level: save it as unsigned 8-bit or 16-bit")
    if picture.mode.startswith("I;16") or (picture.mode == "I" and traits.format in _SIXTEEN_BITS_AS_I):
        return _from_integers(picture, traits)
    if picture.mode == "I":
        raise Undecodable("32-bit integers have no defined white level: save it as 8-bit or 16-bit")
    return picture


def _from_integers(picture: Image.Image, traits: _Traits) -> Image.Image:
    """Grey of 9 to 16 bits by its upper 8, with alpha if one of its values is stated to be transparent."""
    values = np.asarray(picture)
    upper = (values >> (traits.bits - 8)).clip(0, 255).astype(np.uint8)
    grey = Image.fromarray(255 - upper if traits.white_is_zero else upper)
    _check_levels(grey, lambda: values)
    transparent = picture.info.get("transparency")
    if not isinstance(transparent, int):
        return grey
    return Image.merge("LA", (grey, Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8))))


def _check_levels(eight_bit: Image.Image, stored: Callable[[], npt.NDArray[Any]]) -> None:
    """Raise Undecodable for an image that would lose nearly all it shows."""
    if levels := too_few_levels(eight_bit, stored):
        raise Undecodable(f"uses only {levels} of 256 levels: scale it to the full range")


def _from_floats(values: npt.NDArray[np.float32], white_is_zero: bool) -> Images:
    """uint8 of floats from 0 to 1."""
    if not np.isfinite(values).all():
        raise Undecodable("floating-point numbers that are NaN or infinite: store it as 8 or 16 bits, or from 0 to 1")
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 1:
        raise Undecodable(
            f"floating-point numbers from {low:.3g} to {high:.3g}: scale them to 0 to 1, or store it as 8 or 16 bits"
        )
    return np.rint((1 - values if white_is_zero else values) * 255).astype(np.uint8)


def _reason(error: Exception, head: bytes) -> str:
    """Why a file could not be decoded, in a few words."""
    if isinstance(error, FileNotFoundError):
        return "broken link or missing file"
    if isinstance(error, Image.DecompressionBombError):
        return "too many pixels"
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        return error.strerror.lower()
    if str(error) == NOT_REGULAR:
        return NOT_REGULAR
    if not head:
        return "empty"
    if isinstance(error, UnidentifiedImageError):
        found = format_by_content(head)
        return f"{found}, which cannot be decoded here" if found not in (None, "image") else _unidentified(found)
    if isinstance(error, MemoryError):
        return "too large for memory"
    early = isinstance(error, EOFError) or any(words in str(error).lower() for words in _ENDS_EARLY)
    return "truncated" if early else "damaged"


def _unidentified(found: str | None) -> str:
    return "damaged, or of a kind that cannot be decoded here" if found == "image" else "not an image"
