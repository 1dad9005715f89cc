"""Kinds of files in a folder of images: which are images, and why any other is left out. Judged by name, by what the
file system says it is, and, without an extension, by its first bytes."""

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from PIL import features

REGULAR, SPECIAL, BROKEN_LINK = "regular", "special", "broken link"
HIDDEN = "hidden"
NOT_REGULAR = "not a regular file"
UNSUPPORTED = "unsupported format"
UNKNOWN_EXTENSION = "unknown extension"
NO_EXTENSION = "no extension and not an image"
UNREADABLE = "unreadable"
LINKED_FOLDER = "in a linked folder, which is not followed"

_CODECS = {"WEBP": "webp", "AVIF": "avif", "JPEG2000": "jpg_2000"}
_BY_FORMAT = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "BMP": (".bmp",),
    "DIB": (".dib",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "AVIF": (".avif", ".avifs"),
    "JPEG2000": (".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"),
    "TGA": (".tga",),
    "PCX": (".pcx",),
    "QOI": (".qoi",),
    "ICO": (".ico",),
    "SGI": (".sgi",),
    "SUN": (".ras",),
}
FORMATS = tuple(name for name in _BY_FORMAT if name not in _CODECS or features.check(_CODECS[name]))
EXTENSIONS = frozenset(extension for name in FORMATS for extension in _BY_FORMAT[name])
_OTHER_PICTURES = """
.heic .heif .hif .heics .jxl .svg .svgz .eps .ps .psd .psb .xcf .ai .exr .hdr .dcm .dicom .dng .cr2 .cr3 .crw .nef .nrw
.arw .srf .sr2 .orf .rw2 .raf .pef .srw .x3f .raw .fits .fit .dds .icns .cur .wmf .emf .djvu .bpg .flif .nii .czi .lif
.nd2 .svs .ndpi .vsi .xpm .xbm .im .msp .pcd .palm .rgb .rgba .bw
"""
PICTURES = frozenset(_OTHER_PICTURES.split()).union(*_BY_FORMAT.values())  # with those that cannot be decoded here
_SYSTEM = frozenset({"__macosx", "@eadir", "$recycle.bin", "system volume information", "thumbs.db", "desktop.ini"})
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9_~-]{0,11}")
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"BM",
          b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51", b"qoif")  # fmt: skip
_HEAD = 32  # bytes


@dataclass(frozen=True)
class File:
    """A file somewhere below a data set's folder. parts: the folders it lies in, then its name. place: a Path, or a
    member of a zip. kind: REGULAR, SPECIAL (a pipe, socket or device), or BROKEN_LINK."""

    parts: tuple[str, ...]
    place: Any
    kind: str = REGULAR
    read_head: Callable[[int], bytes] = field(default=lambda most: b"", repr=False, compare=False)

    @property
    def name(self) -> str:
        """Its own name."""
        return self.parts[-1]


def is_hidden(name: str) -> bool:
    """Whether a file or folder is one that systems and file managers leave behind."""
    return name.startswith(".") or name.lower() in _SYSTEM


def extension_of(name: str) -> str:
    """A name's extension in lower case, such as ".jpg"; "" for none. "scan.0001" and "Dr. Who" have none."""
    suffix = PurePosixPath(name).suffix
    return suffix.lower() if _EXTENSION.fullmatch(suffix) else ""


def left_out_reason(file: File) -> str | None:
    """Why a file is left out of its class; None for an image. A broken link named like an image is one, so that it is
    reported as unreadable. Opens only regular files without an extension."""
    if is_hidden(file.name):
        return HIDDEN
    extension = extension_of(file.name)
    if file.kind == BROKEN_LINK and extension in EXTENSIONS:
        return None
    if file.kind != REGULAR:
        return NOT_REGULAR
    if extension in EXTENSIONS:
        return None
    if extension:
        return UNSUPPORTED if extension in PICTURES else UNKNOWN_EXTENSION
    try:
        return _by_content(file.read_head(_HEAD))
    except OSError:
        return UNREADABLE


def is_picture(file: File) -> bool:
    """Whether a file is an image, or one of a format that cannot be decoded here: its folder is then a class."""
    return left_out_reason(file) in (None, UNSUPPORTED)


def open_regular(path: Path) -> BinaryIO:
    """A regular file, open for reading. Raises OSError; never waits, as opening a pipe would."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(NOT_REGULAR)
    return os.fdopen(descriptor, "rb")


def printable(text: str) -> str:
    """A name that can be printed and stored: bytes that are not UTF-8 become escapes such as \\xe9."""
    return os.fsencode(text).decode("utf-8", "backslashreplace") if _has_surrogates(text) else text


def is_utf8(text: str) -> bool:
    """Whether a name from the file system is valid UTF-8."""
    return not _has_surrogates(text)


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def format_by_content(head: bytes) -> str | None:
    """What the first bytes say of a picture: "image" if it can be decoded here, the name of its format if not; None for
    anything else."""
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"avif", b"avis"):
            return "image" if ".avif" in EXTENSIONS else "AVIF"
        if brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"):
            return "HEIC"
        return None
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image" if ".webp" in EXTENSIONS else "WebP"
    if re.match(rb"P[1-7Ff]\s", head) or (head.startswith(_MAGIC) and not _false_bitmap(head)):
        return "image"
    if head.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        return "JPEG XL"
    return "Photoshop" if head.startswith(b"8BPS") else None


def _false_bitmap(head: bytes) -> bool:
    """Whether text merely begins with the letters BM: a bitmap's reserved bytes are 0."""
    return head.startswith(b"BM") and head[6:10] != bytes(4)


def _by_content(head: bytes) -> str | None:
    found = format_by_content(head)
    return None if found == "image" else NO_EXTENSION if found is None else UNSUPPORTED
