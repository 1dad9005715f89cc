"""What people read for classes that are named by a code."""

import sys
from pathlib import Path
from subprocess import run

import pytest

from core.errors import UnknownNameError
from core.tasks import titles
from core.tasks.choose import chosen_classes
from core.tasks.datasets import class_title
from core.tasks.titles import folder_titles
from tests.tasks.test_folder import fill

CODES = ("n01440764", "n01443537", "n02012849")


@pytest.mark.parametrize(
    "file, text",
    [
        ("LOC_synset_mapping.txt", "n01440764 tench, Tinca tinca\nn01443537 goldfish, Carassius auratus\nodd\n"),
        ("words.txt", "n00001740\tentity\nn01440764\ttench\nn01443537\tgoldfish, gold fish\n"),
        ("classes.txt", "n01440764 tench\nn01443537  goldfish\n"),
    ],
)
def test_a_list_in_the_folder_tells_what_its_classes_are_called(tmp_path: Path, file: str, text: str) -> None:
    dataset = f"folder:{fill(tmp_path, 3, CODES)}"
    assert class_title(dataset, CODES[0]) == CODES[0]
    (tmp_path / file).write_text(text)
    assert [class_title(dataset, code) for code in CODES] == ["tench", "goldfish", CODES[2]]
    assert chosen_classes(dataset, ["goldfish", "tench"]) == (CODES[1], CODES[0])
    assert chosen_classes(dataset, ["gold*", "n0144*"]) == (CODES[1], CODES[0])


def test_a_title_that_two_classes_have_stands_for_neither(tmp_path: Path) -> None:
    dataset = f"folder:{fill(tmp_path, 3, CODES)}"
    (tmp_path / "classes.txt").write_text(f"{CODES[0]} crane\n{CODES[1]} crane\n{CODES[2]} crane, bird\n")
    with pytest.raises(UnknownNameError, match="crane"):
        chosen_classes(dataset, ["crane", CODES[0]])
    assert chosen_classes(dataset, ["cran?"]) == CODES


def test_imagenets_titles_are_torchvisions_where_exactly_its_thousand_classes_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.models._meta import _IMAGENET_CATEGORIES

    codes = [titles.FIRST, *(f"n{2_000_000 + n:08d}" for n in range(997)), "n15000000"]
    for code in codes:
        (tmp_path / "train" / code).mkdir(parents=True)
    assert folder_titles(tmp_path) == {}  # one is missing
    (tmp_path / "train" / titles.LAST).mkdir()
    found = folder_titles(tmp_path)
    assert [found[code] for code in (*codes, titles.LAST)] == _IMAGENET_CATEGORIES
    assert found[titles.FIRST] == "tench"


def test_titles_are_found_without_importing_torch(tmp_path: Path) -> None:
    for n in range(998):
        (tmp_path / f"n{2_000_000 + n:08d}").mkdir()
    for code in (titles.FIRST, titles.LAST):
        (tmp_path / code).mkdir()
    code = (
        "import sys; from pathlib import Path; from core.tasks.titles import folder_titles; "
        f"print(len(folder_titles(Path({str(tmp_path)!r}))), 'torch' in sys.modules)"
    )
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1000", "False"]


def test_a_folder_that_is_gone_leaves_its_classes_their_names(tmp_path: Path) -> None:
    assert class_title(f"folder:{tmp_path / 'gone'}", "big_cat") == "big cat"
