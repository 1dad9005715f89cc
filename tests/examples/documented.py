"""The examples that `--help` and the docs give, as they stand there: commands, and blocks of Python and YAML."""

import argparse
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.cli.parser import PROGRAM, build_parser

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(r"(?:python -m (?:core|benchmarks|examples|streamlit|zipfile|pip)|make|pip|\.venv/bin/\S+)\b")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`]+)`")
_HEREDOC = re.compile(r"^cat > (\S+) <<'(\w+)'\n(.*?)^\2$\n", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """One example: where it stands, what it is ("command", "python", "yaml"), its text."""

    place: str
    kind: str
    text: str

    @property
    def id(self) -> str:
        """A command's words on one line, quoted where need be; of anything else its text."""
        return shlex.join(self.words) if self.kind == "command" else self.text

    @property
    def words(self) -> list[str]:
        """Of a command: its words, without a comment, a pipe or a redirection behind it."""
        words = shlex.split(self.text, comments=True)
        return words[: next((place for place, word in enumerate(words) if word in ("|", ">", "&&", ";")), len(words))]


def of_help(parser: argparse.ArgumentParser | None = None) -> Iterator[Example]:
    """The examples of a parser and of all its verbs; None: of the whole command line."""
    parser = parser or build_parser()
    _, _, shown = (parser.epilog or "").partition("examples:\n")
    for line in shown.splitlines():
        yield Example(f"{parser.prog} --help", "command", line.strip())
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                yield from of_help(verb)


def of_page(page: Path) -> Iterator[Example]:
    """The examples of a page: its blocks of code, line by line if they are commands, and commands within sentences."""
    text, place = page.read_text(), str(page.relative_to(ROOT))
    for language, block in _FENCE.findall(text):
        if language in ("python", "yaml"):
            yield Example(place, language, block)
        else:
            yield from _lines(place, block)
    for span in _SPAN.findall(_FENCE.sub("", text)):
        line = " ".join(span.split())
        if COMMAND.match(line) and " " in line:
            yield Example(place, "command", line)


def _lines(place: str, block: str) -> Iterator[Example]:
    """The lines of a block of another language: commands as a shell would fill them in, or a line of Python or YAML."""
    for _, _, content in _HEREDOC.findall(block):
        yield Example(place, "yaml", content)
    known: dict[str, str] = {}
    for line in _HEREDOC.sub("", block).replace("\\\n", " ").splitlines():
        found = line.strip()
        if assigned := re.match(r'(\w+)="(.*)"$', found):
            known[assigned[1]] = assigned[2]
        elif looped := re.match(r"for (\w+) in (.*); do$", found):
            known[looped[1]] = shlex.split(looped[2])[0]
        elif found.startswith(("core.", "import ")):
            yield Example(place, "python", found)
        elif found.startswith("{"):
            yield Example(place, "yaml", found.partition("#")[0].strip())
        elif found not in ("", "done") and not found.startswith(("#", "...")):
            yield Example(place, "command", " ".join(re.sub(r"\$(\w+)", lambda name: known[name[1]], found).split()))


def of_docstring(text: str, place: str) -> Example:
    """The first indented block of a docstring."""
    block = re.search(r"((?:^    .*\n)+)", text, re.MULTILINE)
    assert block is not None
    return Example(place, "python", re.sub(r"^    ", "", block[1], flags=re.MULTILINE))


def documented() -> list[Example]:
    """All of them; each text once, at the first place where it stands."""
    import core

    found = [
        *of_help(),
        *(example for page in PAGES for example in of_page(page)),
        of_docstring(core.__doc__ or "", "help(core)"),
    ]
    return list(
        {(one.kind, *(one.words if one.kind == "command" else [one.text])): one for one in reversed(found)}.values()
    )[::-1]


def is_ours(example: Example) -> bool:
    """Whether an example is a command of this project's own command line."""
    return example.kind == "command" and example.text.startswith(PROGRAM + " ")
