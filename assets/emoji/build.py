"""Make the `emoji` data set again: fetch the artwork by name and version, render it, split it, write it.

    python assets/emoji/build.py [--npm-cache FOLDER]

Needs the development requirements (`resvg-py`, `pillow`) and, for the artwork, the `npm` client; the product needs
neither. The same package versions give the same pixels: artwork is checked against the digests in `SOURCES`, renderings
are made straight at the target size, and every order is fixed.

Writes, beside this file:
    images/<class>.png    32x32 tiles, 32 to a row, in the order of `index.csv`
    thumbnails/<class>.png  64x64 tiles, one row of up to 24, training code points only, for showing to people
    index.csv             class, tile, code point, style, split
    classes.json          class -> title and the Unicode subgroups in it
"""

import argparse
import csv
import hashlib
import io
import json
import re
import subprocess
import tarfile
import tempfile
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import resvg_py
from PIL import Image

HERE = Path(__file__).parent
SIZE, THUMBNAIL, ROW, THUMBNAILS = 32, 64, 32, 24
MOST_PER_CLASS = 320  # code points are dropped whole beyond it, so that flags do not outnumber everything else
SPLITS = (("train", 0.65), ("validation", 0.15), ("test", 0.20))

# npm package, version, SHA-256 of the packed tarball, licence
SOURCES = {
    "noto": (
        "@iconify-json/noto",
        "1.2.9",
        "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
        "Apache-2.0",
    ),
    "noto-v1": (
        "@iconify-json/noto-v1",
        "1.2.5",
        "2bf62c26c2c2884aa99e90aec942cdaee17a5921f05690694f4978ad4b017c37",
        "Apache-2.0",
    ),
    "fluent": (
        "@iconify-json/fluent-emoji-flat",
        "1.2.6",
        "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
        "MIT",
    ),
    "twemoji": (
        "@iconify-json/twemoji",
        "1.2.5",
        "19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7",
        "CC-BY-4.0",
    ),
    "emojione": (
        "@iconify-json/emojione",
        "1.2.3",
        "26a14f44284407e8bcde91799388dca2bfd91dbcd55a97f425524a1c5b73610e",
        "CC-BY-4.0",
    ),
}
LABELS = ("emojibase-data", "17.0.0", "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a", "MIT")

# class id -> (title, Unicode subgroups merged into it)
CLASSES = {
    "face-smiling": ("smiling faces", "face-smiling face-affection face-tongue"),
    "face-neutral": ("neutral faces", "face-neutral-skeptical face-hand face-glasses"),
    "face-concerned": ("concerned faces", "face-concerned"),
    "face-unwell": ("unwell and angry faces", "face-unwell face-sleepy face-negative"),
    "face-costume": ("costumes, hats, cat and monkey faces", "face-costume face-hat cat-face monkey-face"),
    "heart": ("hearts and emotion marks", "heart emotion"),
    "hand": (
        "hands",
        "hand-fingers-open hand-fingers-partial hand-single-finger hand-fingers-closed hands hand-prop",
    ),
    "body-parts": ("body parts and silhouettes", "body-parts person-symbol"),
    "person": ("people, families and couples", "person family"),
    "person-gesture": ("gestures", "person-gesture"),
    "person-role": ("jobs and roles", "person-role"),
    "person-fantasy": ("fantasy figures", "person-fantasy"),
    "person-activity": ("people moving and resting", "person-activity person-resting"),
    "person-sport": ("people doing sport", "person-sport"),
    "animal-mammal": ("mammals", "animal-mammal"),
    "animal-bird": ("birds, reptiles and amphibians", "animal-bird animal-reptile animal-amphibian"),
    "animal-marine": ("sea animals and bugs", "animal-marine animal-bug"),
    "plant": ("plants and flowers", "plant-flower plant-other"),
    "food-fruit": ("fruit and vegetables", "food-fruit food-vegetable"),
    "food-prepared": ("prepared food", "food-prepared"),
    "food-asian": ("Asian food and dishware", "food-asian dishware"),
    "food-sweet": ("sweets and drinks", "food-sweet drink"),
    "place-building": ("buildings", "place-building place-religious"),
    "place-geographic": ("landscapes and places", "place-geographic place-map place-other hotel"),
    "transport-ground": ("ground transport", "transport-ground"),
    "transport-air": ("air and water transport", "transport-air transport-water"),
    "time": ("clocks and time", "time"),
    "sky-weather": ("sky and weather", "sky-weather"),
    "event": ("events and awards", "event award-medal"),
    "sport": ("sports equipment", "sport"),
    "game": ("games, arts and crafts", "game arts-crafts"),
    "clothing": ("clothing", "clothing"),
    "music": ("music and sound", "music musical-instrument sound"),
    "computer": ("computers, phones and mail", "computer phone mail"),
    "light-video": ("light, video and science", "light-video science"),
    "book-paper": ("books and writing", "book-paper writing"),
    "office": ("office and money", "office money"),
    "tool": ("tools and locks", "tool lock"),
    "household": ("household and medical", "household medical other-object"),
    "sign": ("traffic and warning signs", "transport-sign warning"),
    "arrow": ("arrows", "arrow"),
    "religion": ("religion and zodiac", "religion zodiac"),
    "av-symbol": ("audio and video symbols", "av-symbol"),
    "other-symbol": ("mathematics, currency and other symbols", "other-symbol math punctuation currency gender"),
    "alphanum": ("letters and keycaps", "alphanum keycap"),
    "geometric": ("geometric shapes", "geometric"),
    "flag": ("flags", "flag country-flag subdivision-flag"),
}

# names that older sets use for a code point that has since been renamed
RENAMED = {
    "direct-hit": "1F3AF",
    "dizzy-face": "1F635",
    "exclamation-mark": "2757",
    "question-mark": "2753",
    "pistol": "1F52B",
    "robot-face": "1F916",
    "cat-face-with-tears-of-joy": "1F639",
    "cat-face-with-wry-smile": "1F63C",
    "crying-cat-face": "1F63F",
    "grinning-cat-face": "1F63A",
    "grinning-cat-face-with-smiling-eyes": "1F638",
    "kissing-cat-face": "1F63D",
    "pouting-cat-face": "1F63E",
    "smiling-cat-face-with-heart-eyes": "1F63B",
    "weary-cat-face": "1F640",
    "flag-for-turkey": "1F1F9-1F1F7",
    "flag-for-myanmar": "1F1F2-1F1F2",
}

NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
VIEW = (("left", 0), ("top", 0), ("width", 16), ("height", 16))  # Iconify's defaults
PERSON = {"1F468", "1F469", "1F9D1"}
CHILD = {"1F466", "1F467", "1F9D2"}
COUPLE = {"1F46B", "1F46C", "1F46D"}
FOLLOWS = {"1F491": "P-2764-P", "1F48F": "P-2764-1F48B-P"}  # couples in one code point: with their gendered versions
DROPPED = {"2640", "2642", "27A1", "200D", "FE0F", "1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF"}


@dataclass(frozen=True)
class Picture:
    """One emoji in one style: where it belongs and how to draw it."""

    label: str
    code: str
    style: str
    svg: str


def fetch(package: str, version: str, digest: str, cache: Path) -> dict[str, bytes]:
    """The files of one npm package, by name inside it. Raises SystemExit where its digest is not the expected one."""
    file = cache / f"{package.strip('@').replace('/', '-')}-{version}.tgz"
    if not file.exists():
        subprocess.run(["npm", "pack", "--silent", f"{package}@{version}"], cwd=cache, check=True)
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != digest:
        raise SystemExit(f"{package}@{version} has SHA-256 {found}, expected {digest}: delete {file} and try again.")
    with tarfile.open(file) as archive:
        members = [m for m in archive.getmembers() if m.isfile() and m.name.endswith(".json")]
        return {m.name.removeprefix("package/"): archive.extractfile(m).read() for m in members}  # type: ignore[union-attr]


def bare(code: str) -> str:
    """A code point sequence without variation selectors: one spelling per emoji."""
    return "-".join(part for part in code.upper().split("-") if part != "FE0F")


def slug(text: str) -> str:
    """'Pinching hand: light' -> 'pinching-hand-light', as icon sets spell names."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def family(code: str) -> str:
    """What must stay on one side of the split: a code point with its skin-tone, gender and direction variants."""
    parts = [part for part in code.split("-") if part not in DROPPED]
    kinds = ["P" if p in PERSON else "C" if p in CHILD else "PP" if p in COUPLE else p for p in parts]
    return "-".join(kinds)


def labels(data: dict[str, bytes]) -> tuple[dict[str, str], dict[str, str]]:
    """(code point -> subgroup, name -> code point), without skin-tone variants, which are near-copies."""
    subgroups = json.loads(data["meta/groups.json"])["subgroups"]
    by_code, by_name = {}, {}
    for entry in json.loads(data["en/data.json"]):
        if "subgroup" in entry:
            code = bare(entry["hexcode"])
            by_code[code] = subgroups[str(entry["subgroup"])]
            by_name.setdefault(slug(entry["label"]), code)
    return by_code, by_name


def pictures(sets: dict[str, dict[str, bytes]], label_data: dict[str, bytes]) -> list[Picture]:
    """Every labelled emoji of every style, each code point once a style."""
    subgroup, by_label = labels(label_data)
    in_class = {sub: name for name, (_, subs) in CLASSES.items() for sub in subs.split()}
    by_name: dict[str, str] = {}
    for files in sets.values():
        for code, name in json.loads(files.get("chars.json", b"{}")).items():
            by_name.setdefault(name, bare(code))

    def code_of(name: str) -> str | None:
        spellings = (name, re.sub(r"^flag-for-(flag-)?", "flag-", name))
        found = (table.get(s) for s in spellings for table in (RENAMED, by_name, by_label))
        return next((code for code in found if code in subgroup), None)

    out = []
    for style, files in sets.items():
        icons: dict[str, Any] = json.loads(files["icons.json"])
        also = defaultdict(list)
        for alias, entry in icons.get("aliases", {}).items():
            if set(entry) == {"parent"}:
                also[entry["parent"]].append(alias)
        seen = set()
        for name, icon in icons["icons"].items():
            code = next((c for c in map(code_of, [name, *also[name]]) if c), None)
            if code is None or code in seen or subgroup[code] not in in_class:
                continue
            seen.add(code)
            box = square(*(icon.get(key, icons.get(key, default)) for key, default in VIEW))
            svg = f'<svg {NAMESPACES} viewBox="{box}">{icon["body"]}</svg>'
            out.append(Picture(in_class[subgroup[code]], code, style, svg))
    return sorted(out, key=lambda p: (list(CLASSES).index(p.label), p.code, list(SOURCES).index(p.style)))


def square(left: float, top: float, width: float, height: float) -> str:
    """A viewBox that holds the drawing in the middle of a square."""
    side = max(width, height)
    return f"{left - (side - width) / 2:g} {top - (side - height) / 2:g} {side:g} {side:g}"


def render(svg: str, size: int) -> np.ndarray:
    """uint8 [size, size, 3] on white, drawn at this size rather than scaled down."""
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, background="white"))
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def first_of_each(items: list[Picture], tiles: np.ndarray) -> tuple[list[int], dict[str, str]]:
    """(indices of pictures whose pixels were not seen before, code family -> its split group).

    Two code families that share a picture in any style are one split group.
    """
    group: dict[str, str] = {}

    def root(key: str) -> str:
        while group.setdefault(key, key) != key:
            key = group[key]
        return key

    seen: dict[bytes, str] = {}
    kept = []
    for index, (picture, tile) in enumerate(zip(items, tiles, strict=True)):
        mine, pixels = root(family(picture.code)), tile.tobytes()
        if pixels in seen:
            group[mine] = root(seen[pixels])
        elif tile.std() > 0:
            seen[pixels] = mine
            kept.append(index)
    return kept, {key: root(key) for key in group}


def draw(key: str) -> float:
    """A fixed number in [0, 1) for a text: the split and the cap depend on nothing else."""
    return int.from_bytes(hashlib.sha256(f"meta-vote-studio/emoji/{key}".encode()).digest()[:8], "big") / 2**64


def split_groups(label: str, counts: Counter[str]) -> dict[str, str]:
    """group -> split, for one class: groups in a fixed random order fill train, then validation, then test."""
    order, total, filled, out = sorted(counts, key=lambda g: draw(f"{label}/{g}")), sum(counts.values()), 0, {}
    for group in order:
        reached, edge = (filled + counts[group] / 2) / total, 0.0
        for name, share in SPLITS:
            edge += share
            if reached < edge or name == SPLITS[-1][0]:
                out[group] = name
                break
        filled += counts[group]
    return out


def sheet(tiles: list[np.ndarray], row: int) -> Image.Image:
    """Tiles laid out left to right, top to bottom, `row` to a line, white where none is left."""
    size, lines = tiles[0].shape[0], -(-len(tiles) // row)
    canvas = np.full((lines * size, min(row, len(tiles)) * size, 3), 255, np.uint8)
    for n, tile in enumerate(tiles):
        y, x = (n // row) * size, (n % row) * size
        canvas[y : y + size, x : x + size] = tile
    return Image.fromarray(canvas)


def build(cache: Path) -> None:
    """The whole recipe, in order; prints what it wrote."""
    sets = {style: fetch(p, v, d, cache) for style, (p, v, d, _) in SOURCES.items()}
    items = pictures(sets, fetch(*LABELS[:3], cache))
    tiles = np.stack([render(p.svg, SIZE) for p in items])
    kept, group_of = first_of_each(items, tiles)

    # a group that spans classes keeps one split everywhere: the first class (in CLASSES order) that holds it decides
    per_class: dict[str, list[int]] = {name: [] for name in CLASSES}
    for index in kept:
        per_class[items[index].label].append(index)
    split: dict[str, str] = {}

    def split_of(index: int) -> str:
        key = family(items[index].code)
        return split[group_of[FOLLOWS.get(key, key)]]

    for label, members in per_class.items():

        def group(i: int) -> str:
            return group_of[family(items[i].code)]

        counts = Counter(map(group, members))
        if len(members) > MOST_PER_CLASS:
            room = MOST_PER_CLASS
            for name in sorted(counts, key=lambda g: draw(f"cap/{g}")):
                room -= counts[name]
                if room < 0:
                    del counts[name]
            per_class[label] = [i for i in members if group(i) in counts]
        split = {**split_groups(label, counts), **split}

    for folder in ("images", "thumbnails"):
        (HERE / folder).mkdir(exist_ok=True)
        for old in (HERE / folder).glob("*.png"):
            old.unlink()
    with open(HERE / "index.csv", "w", newline="") as file:
        index_csv = csv.writer(file, lineterminator="\n")
        index_csv.writerow(["class", "tile", "code_point", "style", "split"])
        for label, members in per_class.items():
            rows = [(items[i].code, items[i].style, split_of(i)) for i in members]
            index_csv.writerows([label, n, *row] for n, row in enumerate(rows))
            sheet([tiles[i] for i in members], ROW).save(HERE / "images" / f"{label}.png", optimize=True)
            shown = [i for i, row in zip(members, rows, strict=True) if row[2] == "train"]
            shown = sorted(shown, key=lambda i: draw(f"show/{items[i].code}/{items[i].style}"))[:THUMBNAILS]
            small = [render(items[i].svg, THUMBNAIL) for i in shown]
            sheet(small, THUMBNAILS).save(HERE / "thumbnails" / f"{label}.png", optimize=True)
            print(f"{label:18s} {len(members):5d}", dict(Counter(row[2] for row in rows)))
    about = {name: {"title": title, "subgroups": subs.split()} for name, (title, subs) in CLASSES.items()}
    (HERE / "classes.json").write_text(json.dumps(about, indent=1) + "\n")
    written = sum(map(len, per_class.values()))
    print(f"{written} images of {len(items)} drawn, {len(items) - len(kept)} exact duplicates")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--npm-cache", type=Path, help="where packed npm packages are kept between calls")
    given = arguments.parse_args()
    if given.npm_cache:
        build(given.npm_cache)
    else:
        with tempfile.TemporaryDirectory() as folder:
            build(Path(folder))
