"""Rules of the tree itself: sizes, folders, no trace of one machine, nothing that unpickles."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 2**20
FOLDERS = {
    *("assets", "benchmarks", "core", "dashboard", "docs", "examples", "tests"),
    *(".ci", ".github", ".streamlit"),
}
# Written so that no pattern matches its own text.
MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:work|root|tmp|home|opt|Users)/")
REGISTRY = re.compile(
    r"\b(?:pypi\.org|pythonhosted\.org|npm[j]s|anaconda\.org|pytorch\.org/whl)|\b(?:debian|ubuntu)\.(?:org|com)"
)
UNPICKLING = re.compile(r"weights_only\s*=\s*False|allow_pickle\s*=\s*True|\bpickle\.load|\b[cd]ill\.load")


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def matches(files: list[Path], pattern: re.Pattern[str]) -> Iterator[str]:
    for file in files:
        content = (ROOT / file).read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            if found := pattern.search(line):
                yield f"{file}:{number}: {found.group()}"


def test_every_file_is_below_25_megabytes_and_the_assets_below_130_together(tracked: list[Path]) -> None:
    sizes = {file: (ROOT / file).stat().st_size for file in tracked}
    assert [str(file) for file, size in sizes.items() if size > 25 * MEGABYTE] == []
    assert sum(size for file, size in sizes.items() if file.parts[0] == "assets") < 130 * MEGABYTE


def test_no_file_names_a_path_of_one_machine(tracked: list[Path]) -> None:
    assert list(matches(tracked, MACHINE_PATH)) == []


def test_no_file_names_a_package_registry(tracked: list[Path]) -> None:
    assert list(matches(tracked, REGISTRY)) == []


def test_nothing_unpickles(tracked: list[Path]) -> None:
    assert list(matches([file for file in tracked if file.parts[0] in ("core", "dashboard")], UNPICKLING)) == []


def test_top_level_folders_are_the_agreed_ones(tracked: list[Path]) -> None:
    assert {file.parts[0] for file in tracked if len(file.parts) > 1} - FOLDERS == set()


def test_every_python_folder_is_a_package_so_that_the_import_contracts_see_it(tracked: list[Path]) -> None:
    folders = {file.parent for file in tracked if file.suffix == ".py" and file.parts[0] in ("core", "dashboard")}
    assert sorted(str(folder) for folder in folders if not (ROOT / folder / "__init__.py").is_file()) == []
