"""Images in every mode and format: decoded rightly, by the file alone, or refused with a reason."""

import io
import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.tasks.decode import Undecodable, decode_file, digest

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def grey(path: Path) -> npt.NDArray[np.uint8]:
    """uint8 [H, W] of an image that is grey once decoded."""
    pixels = np.asarray(decode_file(path))
    assert (pixels == pixels[:, :, :1]).all()
    return pixels[:, :, 0]


def reason(path: Path) -> str:
    with pytest.raises(Undecodable) as refused:
        decode_file(path)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def tiff(
    path: Path, array: npt.NDArray[np.generic], kind: int, bits: int, photometric: int = 1, big: bool = False
) -> Path:
    """An uncompressed grey TIFF, written by hand. kind: 1 unsigned, 2 signed, 3 floating point."""
    data, order = array.astype(array.dtype.newbyteorder(">" if big else "<")).tobytes(), ">" if big else "<"
    tags = [(256, array.shape[1]), (257, array.shape[0]), (258, bits), (259, 1), (262, photometric), (273, 8),
            (277, 1), (278, array.shape[0]), (279, len(data)), (339, kind)]  # fmt: skip
    entries = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in tags)
    head = (b"MM\0*" if big else b"II*\0") + struct.pack(f"{order}I", 8 + len(data))
    path.write_bytes(head + data + struct.pack(f"{order}H", len(tags)) + entries + bytes(4))
    return path


@pytest.mark.parametrize("big, photometric, expected", [(False, 1, RAMP), (True, 1, RAMP), (False, 0, 255 - RAMP)])
def test_sixteen_bit_grey_is_its_upper_byte_in_either_byte_order_and_if_white_is_zero(
    tmp_path: Path, big: bool, photometric: int, expected: npt.NDArray[np.uint8]
) -> None:
    path = tiff(tmp_path / "a.tif", RAMP.astype(np.uint16) * 256 + 77, 1, 16, photometric, big)
    assert np.array_equal(grey(path), expected)


@pytest.mark.parametrize("name", ["a.png", "a.pgm", "a.tif", "a.jp2"])
def test_sixteen_bit_grey_of_any_format_keeps_its_brightness(tmp_path: Path, name: str) -> None:
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(tmp_path / name)
    assert np.abs(grey(tmp_path / name).astype(int) - RAMP).max() <= 1


def test_a_pgm_of_ten_bits_keeps_its_brightness(tmp_path: Path) -> None:
    (tmp_path / "a.pgm").write_bytes(b"P5 2 1 1023\n" + struct.pack(">HH", 0, 1023))
    assert grey(tmp_path / "a.pgm").tolist() == [[0, 255]]


def test_twelve_bit_grey_keeps_its_brightness(tmp_path: Path) -> None:
    packed = np.tile(np.frombuffer(bytes([0x80, 0x0F, 0xFF]), np.uint8), (2, 1))  # 0x800 and 0xFFF, twice
    path = tiff(tmp_path / "a.tif", packed, 1, 12)
    content = bytearray(path.read_bytes())
    place = content.index(struct.pack("<HHII", 256, 4, 1, 3))
    content[place : place + 12] = struct.pack("<HHII", 256, 4, 1, 2)
    path.write_bytes(content)
    assert grey(path).tolist() == [[128, 255]] * 2


@pytest.mark.parametrize("dtype, photometric, expected", [(np.float32, 1, RAMP), (np.float32, 0, 255 - RAMP)])
def test_floats_from_0_to_1_are_scaled(
    tmp_path: Path, dtype: type, photometric: int, expected: npt.NDArray[np.uint8]
) -> None:
    path = tmp_path / "a.tif"
    bits = np.dtype(dtype).itemsize * 8
    assert np.array_equal(grey(tiff(path, (RAMP / 255).astype(dtype), 3, bits, photometric)), expected)


@given(st.floats(0, 1, width=32))
def test_a_float_is_scaled_alone_whatever_else_is_in_the_image(
    tmp_path_factory: pytest.TempPathFactory, value: float
) -> None:
    path = tmp_path_factory.mktemp("float") / "a.tif"
    Image.fromarray(np.array([[value, 0.25], [1, 0]], np.float32)).save(path)
    first, second = grey(path)[0].tolist()
    assert abs(first - value * 255) <= 0.501 and second == 64


@pytest.mark.parametrize("values", [[0, 255], [-1, 1], [0, 1.01], [0.5, np.nan], [0, np.inf], [0, 65535]])
def test_floats_of_any_other_range_are_refused_with_it(tmp_path: Path, values: list[float]) -> None:
    Image.fromarray(np.array([values], np.float32)).save(tmp_path / "a.tif")
    assert "floating-point numbers" in reason(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "kind, dtype, bits", [(1, np.uint32, 32), (2, np.int32, 32), (2, np.int16, 16), (2, np.int8, 8)]
)
def test_integers_without_a_stated_white_are_refused(tmp_path: Path, kind: int, dtype: type, bits: int) -> None:
    assert "no defined white level" in reason(tiff(tmp_path / "a.tif", RAMP.astype(dtype), kind, bits))


def half_white(mode: str, ending: str) -> bytes | None:
    """A file whose right half is white, the other black; None if that format cannot store the mode."""
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:, 8:] = 255
    file = io.BytesIO()
    try:
        picture = Image.fromarray(pixels).convert("P" if mode == "PA" else mode).convert(mode)
        picture.save(file, format=Image.registered_extensions()[ending], lossless=True)
    except (OSError, ValueError, KeyError):
        return None
    return file.getvalue()


MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")
STORABLE = [
    (mode, ending)
    for ending in (".tif", ".png", ".webp", ".gif", ".tga", ".jfif", ".avif", ".pcx")
    for mode in MODES
    if half_white(mode, ending) is not None
]


@pytest.mark.parametrize("mode, ending", STORABLE)
def test_every_mode_that_a_format_can_store_keeps_white_white_and_black_black(
    tmp_path: Path, mode: str, ending: str
) -> None:
    (tmp_path / f"a{ending}").write_bytes(half_white(mode, ending) or b"")
    found = np.asarray(decode_file(tmp_path / f"a{ending}")).astype(int)
    assert found[:, :6].max() <= 12 and found[:, 10:].min() >= 243


def png(path: Path, rows: npt.NDArray[np.generic], bits: int, colour: int, transparent: tuple[int, ...] = ()) -> Path:
    """A PNG written by hand, of rows as they are stored. colour: 0 grey, 2 RGB, 4 grey and alpha, 6 RGBA."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    width = rows.shape[1] * 8 // bits if bits < 8 else rows.shape[1]
    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", width, rows.shape[0], bits, colour, 0, 0, 0))]
    if transparent:
        parts.append(chunk(b"tRNS", struct.pack(f">{len(transparent)}H", *transparent)))
    data = b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in rows)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + b"".join([*parts, chunk(b"IDAT", zlib.compress(data)), chunk(b"IEND", b"")])
    )
    return path


def colours(values: npt.NDArray[np.uint16], colour: int) -> npt.NDArray[np.uint16]:
    """Grey values as the bands of a PNG's kind of colour, opaque."""
    bands, opaque = {0: (1, 0), 2: (3, 0), 4: (1, 1), 6: (3, 1)}[colour]
    return np.stack([values] * bands + [np.full_like(values, 65535)] * opaque, axis=-1)


@pytest.mark.parametrize("colour", [0, 2, 4, 6])
def test_sixteen_bits_of_any_kind_of_colour_are_their_upper_byte(tmp_path: Path, colour: int) -> None:
    path = png(tmp_path / "a.png", colours(RAMP.astype(np.uint16) * 256 + 9, colour), 16, colour)
    assert np.array_equal(grey(path), RAMP)


@pytest.mark.parametrize("most", [4, 255, 1023, 4095])
@pytest.mark.parametrize("colour", [0, 2, 4, 6])
def test_fewer_bits_stored_in_sixteen_are_refused_and_do_not_come_out_black(
    tmp_path: Path, colour: int, most: int
) -> None:
    values = np.linspace(0, most, 1024).astype(np.uint16).reshape(32, 32)
    path = png(tmp_path / "a.png", colours(values, colour), 16, colour)
    assert f"uses only {most // 256 + 1} of 256 levels: scale it to the full range" == reason(path)


@pytest.mark.parametrize("most", [255, 4095])
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("name", ["a.tif", "a.pgm", "a.jp2"])
def test_and_in_any_format(tmp_path: Path, most: int, photometric: int, name: str) -> None:
    values = np.linspace(0, most, 1024).astype(np.uint16).reshape(32, 32)
    if name == "a.tif":
        tiff(tmp_path / name, values, 1, 16, photometric)
    else:
        Image.fromarray(values).save(tmp_path / name)
    assert "of 256 levels" in reason(tmp_path / name)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_and_in_colour_of_a_tiff(tmp_path: Path, mode: str) -> None:
    values = np.linspace(0, 4095, 1024).astype(np.uint16).reshape(32, 32)
    bands, data = len(mode), np.stack([values] * len(mode), axis=-1).astype("<u2").tobytes()
    tags = [(256, 32), (257, 32), (258, 16), (259, 1), (262, 2), (273, 8), (277, bands), (278, 32), (279, len(data))]
    tags += [(338, 2)] if mode == "RGBA" else []
    place = 8 + len(data) + 2 + 12 * len(tags) + 4  # of the bits of each band
    entries = b"".join(
        struct.pack("<HHII", tag, 3, bands, place) if tag == 258 else struct.pack("<HHII", tag, 4, 1, value)
        for tag, value in tags
    )
    head = b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags))
    (tmp_path / "a.tif").write_bytes(head + entries + bytes(4) + struct.pack(f"<{bands}H", *[16] * bands))
    assert "uses only 16 of 256 levels" in reason(tmp_path / "a.tif")


@pytest.mark.parametrize("photometric", [0, 1])
def test_floats_that_fill_little_of_their_range_are_refused(tmp_path: Path, photometric: int) -> None:
    path = tiff(tmp_path / "a.tif", (RAMP / 255 / 1000).astype(np.float32), 3, 32, photometric)
    assert reason(path) == "uses only 1 of 256 levels: scale it to the full range"


@pytest.mark.parametrize(
    "values", [[0], [7], [30_000], [65_535], [0, 65_535], [0, 256, 512], [0, 20_000, 20_001, 65_535]]
)
@pytest.mark.parametrize("colour", [0, 2, 4, 6])
def test_few_values_are_no_loss(tmp_path: Path, values: list[int], colour: int) -> None:
    array = np.resize(np.array(values, np.uint16), (4, 4))
    found = grey(png(tmp_path / "a.png", colours(array, colour), 16, colour))
    assert np.array_equal(found, array >> 8)


@given(st.lists(st.integers(0, 255), min_size=1, max_size=64), st.booleans())
def test_eight_bits_stored_in_the_upper_half_of_sixteen_are_never_refused(
    tmp_path_factory: pytest.TempPathFactory, values: list[int], both: bool
) -> None:
    path = tmp_path_factory.mktemp("levels") / "a.png"
    Image.fromarray(np.array([values], np.uint16) * (257 if both else 256)).save(path)
    assert grey(path).tolist() == [values]


@pytest.mark.parametrize("bits, most", [(1, 1), (2, 3), (4, 15), (8, 255), (16, 65_535)])
@pytest.mark.parametrize("transparent", [0, 1])
def test_a_transparent_value_of_grey_is_white_at_any_depth(
    tmp_path: Path, bits: int, most: int, transparent: int
) -> None:
    stored = np.array([[0, 1, 0, 1, 0, 1, most, most]] * 2)
    if bits == 16:
        rows = stored.astype(np.uint16)
    else:
        unpacked = (stored[..., None] >> np.arange(bits)[::-1] & 1).astype(np.uint8)
        rows = np.packbits(unpacked.reshape(2, -1), axis=1)
    expected = np.where(stored == transparent, 255, stored * 255 // most)
    assert np.array_equal(grey(png(tmp_path / "a.png", rows, bits, 0, (transparent,))), expected)


def test_a_transparent_colour_of_sixteen_bits_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = png(tmp_path / "a.png", colours(RAMP.astype(np.uint16) * 257, 2), 16, 2, (0, 0, 0))
    assert "save it with an alpha channel" in reason(path)


@pytest.mark.parametrize("name", ["a.gif", "a.tif", "a.png", "a.webp"])
def test_of_several_frames_the_first_is_read(tmp_path: Path, name: str) -> None:
    first, second = (Image.new("RGB", (8, 8), colour) for colour in ("white", "black"))
    first.save(tmp_path / name, save_all=True, append_images=[second])
    assert (np.asarray(decode_file(tmp_path / name)) == 255).all()


@pytest.mark.parametrize(
    "written, named", [("PNG", "a.jpg"), ("JPEG", "a.png"), ("WEBP", "a.gif"), ("TIFF", "a.bmp"), ("PNG", "a")]
)
def test_an_image_is_known_by_its_content_whatever_its_name_says(tmp_path: Path, written: str, named: str) -> None:
    Image.new("RGB", (8, 8), "white").save(tmp_path / named, written)
    assert (np.asarray(decode_file(tmp_path / named)) == 255).all()


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "empty"), (b"no image at all", "not an image"), (HEIC, "HEIC, which cannot be decoded here"),
        (b"8BPS" + bytes(60), "Photoshop"), (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "damaged"), (b"\xff\xd8\xff\xe0" + bytes(50), "damaged"),
    ],
)  # fmt: skip
def test_what_cannot_be_decoded_is_refused_with_the_reason(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    assert words in reason(tmp_path / "a.jpg")


@given(
    st.integers(0, 2000),
    st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP", "PPM", "AVIF"]),
    st.binary(max_size=4),
)
def test_a_damaged_file_is_decoded_or_refused_and_raises_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, place: int, written: str, junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "a.png"
    Image.fromarray(np.stack([RAMP] * 3, axis=-1)).save(path, written)
    content = bytearray(path.read_bytes())
    place %= len(content)
    content[place : place + len(junk)] = junk
    path.write_bytes(content if len(junk) % 2 else content[:place])
    with suppress(Undecodable):
        assert decode_file(path).mode == "RGB"


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    assert reason(tmp_path / "a.png") == "not a regular file"


def test_a_link_to_nothing_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "gone")
    assert "broken link" in reason(tmp_path / "a.png")


def test_the_same_pixels_have_the_same_digest_in_any_lossless_format_and_others_another(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    other = pixels.copy()
    other[0, 0, 0] ^= 1
    digests = set()
    for name in ("a.png", "a.bmp", "a.tif", "a.ppm"):
        Image.fromarray(pixels).save(tmp_path / name)
        digests.add(digest(decode_file(tmp_path / name)))
    assert len(digests) == 1
    assert (
        digest(Image.fromarray(other)) not in digests
        and digest(Image.fromarray(pixels.reshape(7, 9, 3))) not in digests
    )
