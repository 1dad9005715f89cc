"""The embedded data set: enough of every class, and nothing on two sides of the split."""

import csv
import re
from collections import Counter, defaultdict

import numpy as np
import pytest
from PIL import Image

from core.errors import UnknownNameError
from core.tasks import emoji
from core.tasks.datasets import load_dataset
from core.tasks.images import SPLITS, TEST, TRAIN, VALIDATION, ImageSet

SKIN_TONES = {f"1F3F{n}" for n in "BCDEF"}
MEN_AND_WOMEN = {"1F468": "person", "1F469": "person", "1F9D1": "person"}
PAIRS = {"1F46B": "two people", "1F46C": "two people", "1F46D": "two people"}
CHILDREN = {"1F466": "child", "1F467": "child", "1F9D2": "child"}


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with open(emoji.FOLDER / "index.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def loaded() -> ImageSet:
    return load_dataset("emoji")


def same_emoji(code: str) -> tuple[str, ...]:
    """What is left of a code point once skin tone, gender, direction and presentation are forgotten."""
    gone = {"FE0F", "200D", "2640", "2642", "27A1"} | SKIN_TONES
    stands_for = MEN_AND_WOMEN | PAIRS | CHILDREN
    return tuple(stands_for.get(part, part) for part in code.upper().split("-") if part not in gone)


def test_every_variant_of_an_emoji_in_every_style_and_class_is_on_one_side_of_the_split(
    rows: list[dict[str, str]],
) -> None:
    sides = defaultdict(set)
    for row in rows:
        sides[same_emoji(row["code_point"])].add(row["split"])
    assert {code: found for code, found in sides.items() if len(found) > 1} == {}


def test_no_two_images_are_equal(loaded: ImageSet) -> None:
    counts = Counter(image.tobytes() for image in loaded.images)
    assert max(counts.values()) == 1


def test_the_splits_share_no_image_and_leave_none_out(loaded: ImageSet) -> None:
    parts = [{image.tobytes() for image in loaded.part(split).images} for split in SPLITS]
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
    assert sum(map(len, parts)) == len(loaded.images) == 7434


def test_every_class_has_at_least_98_images_and_some_in_each_split(loaded: ImageSet) -> None:
    assert len(loaded.classes) == 47
    assert np.bincount(loaded.labels, minlength=47).min() >= 98
    for split, fewest in ((TRAIN, 50), (VALIDATION, 8), (TEST, 15)):
        assert np.bincount(loaded.part(split).labels, minlength=47).min() >= fewest


def test_labels_splits_and_pixels_agree_with_the_index(loaded: ImageSet, rows: list[dict[str, str]]) -> None:
    assert [loaded.classes[label] for label in loaded.labels] == [row["class"] for row in rows]
    assert [SPLITS[split] for split in loaded.split] == [row["split"] for row in rows]
    for number in range(0, len(rows), 97):
        tile = int(rows[number]["tile"])
        left, top = tile % 32 * 32, tile // 32 * 32
        with Image.open(emoji.FOLDER / "images" / f"{rows[number]['class']}.png") as sheet:
            cut = sheet.convert("RGB").crop((left, top, left + 32, top + 32))
        assert np.array_equal(np.asarray(cut), loaded.images[number])


def test_sheets_are_as_large_as_the_index_says_and_thumbnails_show_training_images(rows: list[dict[str, str]]) -> None:
    for name in emoji.about():
        mine = [row for row in rows if row["class"] == name]
        assert [int(row["tile"]) for row in mine] == list(range(len(mine)))
        training = sum(row["split"] == TRAIN for row in mine)
        with Image.open(emoji.FOLDER / "images" / f"{name}.png") as sheet:
            assert sheet.size == (min(len(mine), 32) * 32, -(-len(mine) // 32) * 32)
        assert emoji.thumbnails(name).shape == (min(24, training), 64, 64, 3)


def test_files_of_images_are_exactly_the_classes() -> None:
    for folder in ("images", "thumbnails"):
        assert {file.stem for file in (emoji.FOLDER / folder).iterdir()} == set(emoji.about())


def test_a_part_counts_labels_in_the_order_of_the_classes_asked_for(loaded: ImageSet) -> None:
    part = loaded.part(TEST, ["tool", "plant"])
    alone = loaded.part(TEST, ["tool"])
    assert np.array_equal(part.images[part.labels == 0], alone.images)
    assert set(part.labels) == {0, 1}


@pytest.mark.parametrize("split, classes, said", [(TEST, ["tools"], "tool"), ("exam", ["tool"], "split 'exam'")])
def test_an_unknown_class_or_split_is_named_with_what_there_is(
    loaded: ImageSet, split: str, classes: list[str], said: str
) -> None:
    with pytest.raises(UnknownNameError, match=said):
        loaded.part(split, classes)


def test_every_subgroup_belongs_to_one_class() -> None:
    listed = [sub for entry in emoji.about().values() for sub in entry["subgroups"]]
    assert len(listed) == len(set(listed)) == len(emoji.aliases())


def test_short_titles_are_all_different() -> None:
    titles = [emoji.short_title(name) for name in emoji.about()]
    assert len(set(titles)) == 47 and max(map(len, titles)) <= 24


def test_the_attribution_names_every_source_with_its_version() -> None:
    recipe = (emoji.FOLDER / "build.py").read_text()
    text = (emoji.FOLDER / "ATTRIBUTION.md").read_text()
    sources = re.findall(
        r'\(\s*"((?:@iconify-json/|emojibase)[\w-]+)",\s*"([\d.]+)",\s*"[0-9a-f]{64}",\s*"([\w.-]+)"', recipe
    )
    assert len(sources) == 6
    for package, version, licence in sources:
        line = next(part for part in re.split(r"\n(?=\||\n)", text) if package in part)
        assert version in line and licence in line
    for link in re.findall(r"\]\((licences/[^)]+)\)", text):
        assert (emoji.FOLDER / link).is_file()
