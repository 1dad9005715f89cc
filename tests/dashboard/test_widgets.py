"""Rules that every widget keeps, read from the source: its key is its own, its choice is in the link."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from dashboard import links
from dashboard.parts import literal
from tests.dashboard.pages import ROOT

BUTTONS = {"button", "download_button", "form_submit_button"}
# Their key comes first; the widget itself is drawn by whoever is called.
LINKED = {"linked", "linked_many", "pick_one"}
CHOICES = {
    *("selectbox", "multiselect", "pills", "segmented_control", "radio", "checkbox", "toggle", "slider"),
    *("select_slider", "text_input", "text_area", "number_input", "date_input", "time_input", "file_uploader"),
}
# Widgets where they can be selected in, or tell that they were opened.
CHARTS = {"plotly_chart", "altair_chart", "vega_lite_chart", "dataframe", "table", "expander", "popover", "tabs"}
# Choices that are no part of what a page shows, or that another name in the link holds.
ELSEWHERE = {
    "run to open": "opens a run, which is in the link as `run`",
    "recording to play": "opens a recording, which is in the link as `replay`",
    "place in the recording": "`at`, once somebody has stopped it",
    "other methods": "`also`",
    "who votes": "`chosen`",
    "tags of {}": "is kept in the store",
    "notes of {}": "is kept in the store",
    "compare: with models": "what goes into a file that is saved, not what is seen",
    "compare: file": "a file is taken in",
    "new zip": "a file is taken in",
    "new dataset": "a target that is not there yet",
    "new classes {}": "a target that is not there yet",
    "(Name)": "a target that is not there yet",
    "zoo file": "a file is taken in",
    "replace zoo": "goes with that file",
    "zoos to merge": "a zoo that is not there yet",
    "name of merged zoo": "a zoo that is not there yet",
    "checkpoint file": "a file is taken in",
    "architecture of checkpoint": "goes with that file",
    "layout of checkpoint": "goes with that file",
    "source of checkpoint": "goes with that file",
    "size of checkpoint": "goes with that file",
    "name of backbone": "goes with that file",
    "name of new zoo": "a zoo that is not there yet",
    "recipe": "a file is taken in",
    "name of listed zoo": "a zoo that is not there yet",
}


@dataclass(frozen=True)
class Use:
    """A key as a widget takes it: what draws it, in which file and line."""

    kind: str
    key: str
    file: str
    line: int


class Sources:
    """The dashboard's modules, and what a name in them stands for."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(folder.rglob("*.py"))
        self.trees = {path.relative_to(folder).as_posix(): ast.parse(path.read_text()) for path in paths}
        self.constants: dict[str, dict[str, str]] = {file: _constants(tree) for file, tree in self.trees.items()}

    def keys(self, node: ast.expr, file: str, within: Sequence[ast.FunctionDef]) -> list[str]:
        """What an expression for a key may come to: the text, with {} for what varies."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return [node.value]
        if isinstance(node, ast.JoinedStr):
            parts = [self.keys(part, file, within)[0] if isinstance(part, ast.Constant) else self._part(part, file)
                     for part in node.values]  # fmt: skip
            return ["".join(parts)]
        if isinstance(node, ast.Name):
            if node.id in self.constants[file]:
                return [self.constants[file][node.id]]
            for function in reversed(within):
                if (given := self._given(node.id, function, file)) is not None:
                    return given
        raise AssertionError(f"{file}:{node.lineno}: this key cannot be read: {ast.unparse(node)}")

    def _part(self, part: ast.expr, file: str) -> str:
        inner = part.value if isinstance(part, ast.FormattedValue) else part
        return self.constants[file].get(inner.id, "{}") if isinstance(inner, ast.Name) else "{}"

    def _given(self, name: str, function: ast.FunctionDef, file: str) -> list[str] | None:
        """What is handed over as that parameter of a function, or assigned to that name in it; None for neither."""
        for node in ast.walk(function):
            if isinstance(node, ast.Assign):
                for target, value in _assigned(node):
                    if target == name and not (isinstance(value, ast.Name) and value.id == name):
                        return self.keys(value, file, [function])
        names = [one.arg for one in (*function.args.args, *function.args.kwonlyargs)]
        if name not in names:
            return None
        found = []
        for other, call, within in self.calls({function.name}):
            if function.name.startswith("_") and other != file:
                continue
            if (value := _argument(call, names.index(name), name)) is not None:
                found += self.keys(value, other, within)
        return found

    def calls(self, names: set[str]) -> Iterator[tuple[str, ast.Call, list[ast.FunctionDef]]]:
        """(file, call, the functions around it) of all that is called by one of these names."""
        for file, tree in self.trees.items():
            for call, within in _calls(tree, []):
                called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
                if called in names:
                    yield file, call, within


def _constants(tree: ast.Module) -> dict[str, str]:
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            for name, value in _assigned(node):
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    found[name] = value.value
    return found


def _assigned(node: ast.Assign) -> Iterator[tuple[str, ast.expr]]:
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        yield from ((one.id, of) for one, of in zip(target.elts, value.elts, strict=True) if isinstance(one, ast.Name))


def _calls(node: ast.AST, within: list[ast.FunctionDef]) -> Iterator[tuple[ast.Call, list[ast.FunctionDef]]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child, within
        yield from _calls(child, [*within, child] if isinstance(child, ast.FunctionDef) else within)


def _argument(call: ast.Call, place: int, name: str) -> ast.expr | None:
    named = next((one.value for one in call.keywords if one.arg == name), None)
    return named if named is not None else call.args[place] if place < len(call.args) else None


@cache
def sources() -> Sources:
    return Sources(ROOT / "dashboard")


@cache
def uses() -> Mapping[str, list[Use]]:
    """Key -> the widgets that take it, of all that have one or hold a choice."""
    found: dict[str, list[Use]] = defaultdict(list)
    for file, call, within in sources().calls(BUTTONS | CHOICES | CHARTS | {"pick_one"}):
        called = call.func.attr if isinstance(call.func, ast.Attribute) else "pick_one"
        key = _argument(call, 0 if called == "pick_one" else 99, "key")
        if key is None and called in CHOICES:
            label = call.args[0]
            assert isinstance(label, ast.Constant), f"{file}:{call.lineno}: a choice needs a key"
            names = [f"({label.value})"]
        elif key is None:
            continue
        else:
            names = sources().keys(key, file, within)
        for name in names:
            found[name].append(Use(called, name, file, call.lineno))
    return found


@cache
def in_links() -> set[str]:
    """The keys of all choices that are in step with the link."""
    return {
        key
        for file, call, within in sources().calls(LINKED)
        if (node := _argument(call, 0, "key")) is not None
        for key in sources().keys(node, file, within)
    }


def test_widgets_are_found_at_all() -> None:
    assert {"task", "k", "keep", "start runs", "retry", "compare: runs", "tags of {}"} <= set(uses())
    assert {"task", "k", "also", "runs", "tagged", "theme", "run"} <= in_links()


def test_a_key_belongs_to_widgets_of_one_kind_in_one_file() -> None:
    shared = {
        key: sorted(f"{one.kind} at {one.file}:{one.line}" for one in found)
        for key, found in uses().items()
        if len({(one.kind, one.file) for one in found}) > 1
    }
    assert shared == {}


def test_no_button_has_the_key_of_a_choice_in_the_link() -> None:
    pressed = {key for key, found in uses().items() if any(one.kind in BUTTONS for one in found)}
    assert pressed & in_links() == set()


def test_every_choice_is_in_the_link_or_is_known_to_be_elsewhere() -> None:
    chosen = {key for key, found in uses().items() if any(one.kind in {*CHOICES, "pick_one"} for one in found)}
    assert chosen - in_links() - set(ELSEWHERE) == set()
    assert set(ELSEWHERE) - chosen == set(), "no longer there"
    assert set(ELSEWHERE) & in_links() == set(), "in the link by now"


def test_every_name_in_the_link_is_known_to_the_pages() -> None:
    assert in_links() == {*links.NAMES, *links.COMPARE, *links.RUN, *links.VOTES, *links.ZOOS, *links.THEME}


def test_the_rule_finds_a_shared_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.py").write_text('def draw():\n    st.button("Start", key="start")\n')
    (tmp_path / "two.py").write_text('KEY = "start"\ndef pick():\n    st.selectbox("Start", [1], key=KEY)\n')
    found = Sources(tmp_path)
    seen = [(file, found.keys(call.keywords[0].value, file, within)) for file, call, within in
            found.calls(BUTTONS | CHOICES)]  # fmt: skip
    assert seen == [("one.py", ["start"]), ("two.py", ["start"])]


def test_names_of_files_are_shown_and_are_no_markdown() -> None:
    assert literal("![](//host/x) $a$ :red[b]\nhttp://h") == r"\!\[\]\(\/\/host\/x\) \$a\$ \:red\[b\] http\:\/\/h"
