import subprocess
import sys
from pathlib import Path

import pytest

from core.cli.parser import PROGRAM, build_parser
from tests.cli.conftest import Run

VERBS = ("tasks", "neighbours", "votes", "prune", "backbones", "zoo", "runs", "compare", "export", "latency", "doctor")


def test_help_lists_every_verb_with_one_line_each_and_the_exit_codes(run: Run) -> None:
    said = run("--help")
    assert said.code == 0 and said.err == ""
    for verb in VERBS:
        assert any(line.split()[:1] == [verb] and len(line.split()) > 3 for line in said.out.splitlines()), verb
    assert "exit codes:" in said.out and "examples:" in said.out


@pytest.mark.parametrize(
    "verb",
    [
        *VERBS,
        "backbones add",
        "backbones info",
        "zoo info",
        "zoo build",
        "zoo export",
        "zoo import",
        "runs show",
        "runs export-to",
    ],
)
def test_every_verb_explains_itself_with_examples(run: Run, verb: str) -> None:
    said = run(*verb.split(), "--help")
    assert said.code == 0
    assert f"{PROGRAM} {verb}" in said.out and "--json" in said.out
    assert "examples:" in said.out or verb == "zoo"


@pytest.mark.parametrize(
    "arguments, words",
    [
        ((), ("VERB", "--help")),
        (("prnue",), ("There is no verb 'prnue': did you mean prune or compare? (See: ",)),
        (("zzoo",), ("There is no verb 'zzoo': did you mean zoo? (See: ",)),
        (("gobbledygook",), ("There is no verb 'gobbledygook': choose one of: backbones, compare, ",)),
        (("tasks", "--wrong"), ("--wrong",)),
        (("tasks", "--zoo", "--targets"), ("--zoo",)),
        (("prune",), ("id", "--classes")),
        (("prune", "emoji-t00", "--dataset", "emoji"), ("--dataset",)),
        (("prune", "--dataset", "emoji"), ("--classes",)),
        (("prune", "emoji-t00", "--keep", "0"), ("keep ratio", "above 0")),
        (("prune", "emoji-t00", "--keep", "1.5"), ("keep ratio", "at most 1")),
        (("prune", "emoji-t00", "--keep", "NaN"), ("keep ratio", "NaN")),
        (("prune", "emoji-t00", "--keep", "some"), ("keep ratio", "some")),
        (("prune", "emoji-t00", "--method", "tailor"), ("tailor", "did you mean taylor or taylor-oneshot? (See: ")),
        (("prune", "emoji-t00", "--iterations", "-1"), ("--iterations", "whole number")),
        (("prune", "emoji-t00", "--iterations", "1e9"), ("--iterations", "whole number")),
        (("prune", "emoji-t00", "--iterations", "100001"), ("iterations", "100,000")),
        (("prune", "emoji-t00", "--method", "taylor", "--iterations", "2"), ("at least 3 iterations",)),
        (("prune", "emoji-t00", "--method", "activation", "--iterations", "0"), ("more than 0",)),
        (("prune", "emoji-t00", "--dynamic", "--iterations", "2"), ("at least 3 iterations",)),
        (("prune", "emoji-t00", "-k", "999"), ("K is 999",)),
        (("prune", "emoji-t00", "--chosen", "emoji-z00,emoji-z00"), ("each named once",)),
        (("prune", "emoji-t00", "--chosen", "emoji-z00", "--neighbours", "farthest"), ("chosen",)),
        (("prune", "emoji-t00", "--neighbours", "chosen"), ("Name the zoo tasks",)),
        (("prune", "emoji-t00", "--method", "same-mask"), ("same-mask", "give its id")),
        (("prune", "emoji-t00", "--mask-of", "x"), ("same-mask",)),
        (("prune", "emoji-t00", "--seed", "x"), ("--seed", "x")),
        (("prune", "emoji-t00", "-k", "0"), ("at least 1",)),
        (("prune", "emoji-t00", "--similarity", "leap"), ("leap", "leep")),
        (("prune", "emoji-t00", "--weights", "none"), ("none", "pretrained")),
        (("prune", "emoji-t00", "--learning-rate", "nan"), ("learning rate",)),
        (("prune", "emoji-t00", "--threads", "0"), ("at least 1",)),
        (("neighbours", "emoji-t00", "-k", "0"), ("at least 1",)),
        (("votes", "emoji-t00", "--keep", "nan"), ("keep ratio",)),
        (("zoo", "build"), ("Say which tasks the zoo is for", "--setting")),
        (("compare",), ("--all",)),
        (("compare", "one", "--all"), ("not both",)),
        (("compare", "--all", "--format", "yaml"), ("yaml", "csv")),
        (("runs", "--status", "done"), ("done", "finished")),
        (("runs", "shwo", "x"), ("There is no action 'shwo': did you mean show? (See: ",)),
        (("export", "x", "model.bin"), ("--to",)),
        (("export", "x", "--to", "pickle", "model.bin"), ("pickle", "safetensors")),
    ],
)
def test_wrong_usage_is_one_sentence_that_says_what_is_right(
    run: Run, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    run(*arguments).refused(2, *words)
    run(*arguments, "--json").refused(2) if arguments else None


def test_help_says_what_happens_without_an_option(run: Run) -> None:
    text = " ".join(run("prune", "--help").out.split())
    for words in ("(default: mvp)", "(default: 0.2)", "default: the zoo's own", "--chosen ID,ID", "--mask-of RUN"):
        assert words in text, words
    assert "None" not in text and "()" not in text


def test_what_was_refused_left_nothing_in_the_store(run: Run) -> None:
    run("prune", "emoji-t00", "--keep", "1.5")
    run("prune", "emoji-nope")
    run("prune", "emoji-t00", "-k", "999")
    assert run("runs", "--json").document == []


@pytest.mark.parametrize("arguments", [["--help"], ["tasks", "--json"], ["runs", "--json"], ["compare", "--all"]])
def test_light_verbs_do_not_load_torch(arguments: list[str], home: object) -> None:
    code = (
        "import sys; from core.cli.main import main; code = main(sys.argv[1:]);"
        "heavy = {'torch', 'umap', 'captum', 'sklearn', 'streamlit'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_module_is_the_command_and_survives_a_reader_that_leaves(home: object) -> None:
    command = f"{sys.executable} -m core tasks --json | head -c 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[", "")


def test_the_parser_is_built_without_touching_the_user_folder(run: Run, home: object) -> None:
    build_parser()
    run("--help")
    assert not home.exists()  # type: ignore[attr-defined]


@pytest.mark.parametrize("wrong", [("emoji-x00",), ("emoji-t00", "--zoo", "nope"), ("emoji-t00", "--backbone", "nope")])
def test_a_misspelt_name_is_told_before_torch_is_loaded(wrong: tuple[str, ...], home: Path) -> None:
    code = "import sys; from core.cli.main import main; print(main(sys.argv[1:]), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, "prune", *wrong], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1 False" and "There is no" in done.stderr


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("prune", "emoji-t00", "--iteratons", "5"), ("did you mean --iterations", "prune --help")),
        (("prune", "emoji-t00", "--methd=mvp"), ("'--methd'", "did you mean --method")),
        (("zoo", "info", "--jsn"), ("did you mean --json", "zoo info --help")),
        (("runs", "-x"), ("choose one of: --help",)),
        (("prune", "emoji-t00", "my", "folder"), ("'my' is one word too many", "in quotes", "prune --help")),
    ],
)
def test_a_mistyped_option_is_told_the_nearest_by_its_own_verb(
    run: Run, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    run(*arguments).refused(2, *words)
