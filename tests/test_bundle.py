"""One file that holds several: damage is told as such, and whoever reads it keeps the errors of their own."""

import zipfile
from pathlib import Path

import pytest

from core.bundle import open_bundle, write_bundle
from core.errors import BadFileError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "things.zip", [("a", b"one" * 200), ("b", "zwölf".encode())])
    return tmp_path / "things.zip"


def test_what_was_written_is_read(file: Path, tmp_path: Path) -> None:
    with open_bundle(file, lambda name: True, "file of things") as bundle:
        assert bundle.names == ["a", "b"]
        assert (bundle.read("a"), bundle.text("b")) == (b"one" * 200, "zwölf")
        bundle.copy("b", tmp_path / "deep" / "folder" / "b")
    assert (tmp_path / "deep" / "folder" / "b").read_text() == "zwölf"


@pytest.mark.parametrize("error", [ValueError("mine"), RuntimeError("mine"), EOFError("mine"), KeyError("mine")])
def test_an_error_of_whoever_reads_it_is_no_damage(file: Path, error: Exception) -> None:
    with pytest.raises(type(error), match="mine"), open_bundle(file, lambda name: True, "file of things"):
        raise error


def test_a_member_that_is_missing_damaged_or_no_text_is_one_sentence(file: Path, tmp_path: Path) -> None:
    sentence = "things.zip is not a whole file of things"
    with open_bundle(file, lambda name: True, "file of things") as bundle:
        with pytest.raises(BadFileError, match=sentence):
            bundle.read("c")
        with pytest.raises(BadFileError, match=sentence):
            bundle.copy("c", tmp_path / "c")
    content = bytearray(file.read_bytes())
    content[35] ^= 0xFF  # within the first member
    file.write_bytes(content)
    with open_bundle(file, lambda name: True, "file of things") as bundle, pytest.raises(BadFileError, match=sentence):
        bundle.read("a")
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("b", b"\xff")
    with open_bundle(file, lambda name: True, "file of things") as bundle, pytest.raises(BadFileError, match=sentence):
        bundle.text("b")


def test_a_file_that_holds_what_it_must_not_is_never_opened(file: Path) -> None:
    damaged = pytest.raises(BadFileError, match="of another kind")
    with damaged, open_bundle(file, lambda name: name == "a", "file of things"):
        raise AssertionError("it was opened")
