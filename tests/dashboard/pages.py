"""What tests of pages share: opening a page under AppTest, reading what it says, and runs in the store."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Element

from core.pruning.config import RunConfig
from core.pruning.engine import ENGINE
from core.pruning.events import Evaluation, Finished, PhaseChanged, Pruned, Step
from core.runs.processes import this_worker
from core.runs.slot import hold
from core.runs.store import Store
from core.zoo.zoo import DEFAULT

ROOT = Path(__file__).resolve().parents[2]
APP = str(ROOT / "dashboard" / "app.py")


def page(name: str, **link: str) -> AppTest:
    test = AppTest.from_file(APP, default_timeout=60)
    if name == "task_map":  # whose address is not its file's name: known once the app has run
        test.run()
    test.switch_page(f"app_pages/{name}.py")
    for key, value in link.items():
        test.query_params[key] = value
    return test.run()


def linked(test: AppTest, key: str) -> str:
    value = test.query_params[key]
    return value[0] if isinstance(value, list) else value


def words(test: AppTest) -> str:
    """What a page says, as people read it: without the backslashes of escaped Markdown."""
    elements = [*test.markdown, *test.caption, *test.info, *test.warning, *test.error]
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", "\n".join(str(element.value) for element in elements))


def run_captions(test: AppTest) -> str:
    return "\n".join(str(caption.value) for caption in test.caption)


def hold_slot(store: Store) -> int:
    hold(store.database, this_worker())
    return this_worker().pid


def use_zoo(paper_home: Path, folder: Path) -> None:
    link = paper_home / "zoos" / DEFAULT
    link.unlink()
    link.symlink_to(folder)


def elements(block: Block) -> Iterator[Element]:
    for child in block.children.values():
        if isinstance(child, Block):
            yield from elements(child)
        else:
            yield child


def record_run(
    store: Store,
    *,
    end: bool = True,
    config: RunConfig | None = None,
    more: dict[str, Any] | None = None,
    reached: dict[str, Any] | None = None,
    **settings: object,
) -> str:
    """`more`: what the end tells beside the rest; `reached`: what it tells of the budget."""
    config = config or RunConfig("emoji-t01", iterations=4, **settings)
    run = store.create(config)
    store.claim(this_worker())
    events = [PhaseChanged("selecting", 0, 0.1), Pruned(0, {"a": 2}, {"a": 10}, 0.8, 40, 500, 0.2)]
    events += [PhaseChanged("fine-tuning", 0, 0.3)] + [Step(i, 1.0 / i, 0.02, float(i)) for i in (1, 2, 3, 4)]
    events.append(Evaluation(4, 0.7, 0.9, 4.5))
    store.append(run, events)
    if end or more:
        achieved = {"channel_sparsity": 0.8, "params": 40_000, "macs": 500_000, **(reached or {})}
        dense = {"params": 1_000_000, "macs": 9_000_000}
        cost = {"seconds": 5.0, "iterations": 4, "macs": 2_000_000, "energy_kwh": 0.0004}
        last = Finished(4, 0.68, cost, {"keep": 0.2}, achieved, dense, 5.0, **{"engine": ENGINE} | (more or {}))
        store.append(run, last)
        store.finish(run, last.to_dict())
    return run


def ways(test: AppTest) -> dict[str, str]:
    """The links to other pages: what they say -> which page, and with what, as "run?k=3"."""
    return {one.proto.label: f"{one.proto.page}?{one.proto.query_string}" for one in test.get("page_link")}


def follow(test: AppTest, label: str) -> AppTest:
    """Open the page that a link leads to, with what it carries."""
    page, _, carried = ways(test)[label].partition("?")
    test.switch_page(f"app_pages/{'task_map' if page == 'map' else page}.py")
    test.query_params.clear()
    for key, value in parse_qsl(carried):
        test.query_params[key] = value
    return test.run()


def click(test: AppTest, label: str) -> AppTest:
    return next(button for button in test.button if button.label == label).click().run()
