"""The comparison as one HTML file that opens from disk and asks the network for nothing."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.io import to_html
from plotly.offline import get_plotlyjs

from core.reports.checklist import NOT_NEEDED, THERE, Check
from dashboard import theme
from dashboard.columns import PERCENT
from dashboard.compare import classes, entries, looks, tables
from dashboard.compare.compared import Compared
from dashboard.figures import layers, overlays, spreads, tradeoffs

# No address is allowed at all, so that a report shown to others tells nobody of it.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
STYLE = f"""
:root {{ color-scheme: light; }}
body {{ font-family: {FONT}; color: #1B2733; background: #FFFFFF; line-height: 1.5; margin: 0 auto;
  padding: 2rem 1.25rem; max-width: 1080px; }}
h1 {{ font-size: 1.9rem; margin: 0 0 0.25rem; }} h2 {{ font-size: 1.3rem; margin: 2.25rem 0 0.5rem; }}
p.about, p.note {{ color: #55606C; margin: 0.25rem 0 0.75rem; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: 0.92rem; min-width: 60%; }}
th, td {{ text-align: left; padding: 0.35rem 0.75rem 0.35rem 0; border-bottom: 1px solid #D3DBE3;
  vertical-align: top; }}
th {{ color: #3D4A57; font-weight: 600; }} td.number, th.number {{ text-align: right; white-space: nowrap; }}
td img {{ vertical-align: middle; }} td.name {{ min-width: 13rem; }}
/* Columns as wide from the first chart on as they will be: a chart takes its width when it is drawn. */
.row {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 1rem; }}
.row > div {{ min-width: 0; }} details {{ margin-top: 1rem; }}
.warning {{ background: #FFF4E0; border-left: 4px solid #E69F00; padding: 0.5rem 0.9rem; }}
pre {{ background: #F3F6F9; padding: 0.75rem; overflow-x: auto; font-size: 0.8rem; }}
@media print {{ h2 {{ break-after: avoid; }} details {{ display: none; }} }}
"""
Formats = Mapping[str, Callable[[float], str]]


RESULTS: Formats = {name: look.write for name, look in looks.RESULTS.items()}
SUMMARIES: Formats = {name: look.write for name, look in looks.SUMMARIES.items()}


def html(compared: Compared, by: str, checks: Sequence[Check], now: float | None = None) -> str:
    """The whole report: results, curves, trade-offs, what differs, layers, spread, checklist, every setting."""
    when = time.strftime("%d %B %Y, %H:%M", time.localtime(now))
    number, tasks = (
        len(compared.records),
        ", ".join(compared.tasks[:6]) + (" and others" if len(compared.tasks) > 6 else ""),
    )
    parts = [
        f"<h1>{number} runs compared</h1>" if number > 1 else "<h1>One run</h1>",
        f'<p class="about">{escape(tasks)} · made {when} with Meta-Vote Studio</p>',
        *_parts(compared, by, checks),
    ]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{number} runs compared</title><style>{STYLE}</style><script>{get_plotlyjs()}</script></head>"
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def _parts(compared: Compared, by: str, checks: Sequence[Check]) -> Iterator[str]:
    if len(compared.tasks) > 1:
        yield '<p class="warning">These runs are on different tasks, whose accuracies are not comparable.</p>'
    for sentence in compared.notices:
        yield f'<p class="warning">{escape(sentence)}</p>'
    if by == "run":
        yield "<h2>Results</h2>" + _table(tables.results(compared), RESULTS)
        yield from _classes(compared)
    if compared.finished:
        yield "<h2>Mean and spread</h2>" + _summaries(compared)
        bundles = entries.bundles(compared)
        yield _figure(spreads.spread(bundles), spreads.spread_alt(bundles))
    lines = entries.lines(compared, by, "iterations")
    if lines:
        yield "<h2>Accuracy on the way</h2>"
        yield _figure(overlays.overlay_still(lines, "iterations"), overlays.overlay_alt(lines, "iterations"))
    yield from _tradeoffs(compared, by)
    if by == "run":
        yield "<h2>What differs</h2>" + _table(tables.differences(compared), {})
    same = " · ".join(f"{name} {value}" for name, value in tables.in_common(compared).items())
    yield f'<p class="note">The same in all: {escape(same)}.</p>'
    if by == "run" and compared.pruned:
        yield "<h2>Channels removed, by layer</h2>"
        figure = layers.kept_by_layer(compared.pruned, compared.names, compared.styles)
        yield _figure(figure, "Share of channels removed in each group, by depth.")
    yield _checklist(checks)
    configs = {record.id: record.config.to_dict() for record in compared.records}
    yield f"<details><summary>Every setting</summary><pre>{escape(json.dumps(configs, indent=1))}</pre></details>"


def _classes(compared: Compared) -> Iterator[str]:
    table = classes.class_table(compared)
    if not table.empty:
        runs = dict.fromkeys(table.columns[classes.FIXED :], PERCENT.write)
        yield "<h2>Test accuracy class by class</h2>" + _table(table, {classes.IMAGES: theme.count, **runs})


def _summaries(compared: Compared) -> str:
    found = compared.comparison.summaries
    names = entries.names_of_kinds(compared, list(map(entries.key_of, found)))
    styles = {kind.name: kind.style for kind in entries.kinds_of(compared)}
    return _table(tables.with_marks(tables.summaries(found, names), styles), SUMMARIES)


def _tradeoffs(compared: Compared, by: str) -> Iterator[str]:
    front = entries.comparable(compared, by)
    charts = []
    for cost, title in entries.COSTS.items():
        if spots := entries.spots(compared, by, cost):
            figure, alt = tradeoffs.tradeoff(spots, title, front), tradeoffs.tradeoff_alt(spots, title, front)
            charts.append(f"<div>{_figure(figure, alt)}</div>")
    if charts:
        yield f'<h2>Trade-offs</h2><div class="row">{"".join(charts)}</div>'


def _checklist(checks: Sequence[Check]) -> str:
    counted = [check for check in checks if check.state != NOT_NEEDED]
    there = sum(check.state == THERE for check in counted)
    table = pd.DataFrame(
        {
            "": [one.state for one in checks],
            "Asked for": [one.asked for one in checks],
            "Seen": [one.seen for one in checks],
        }
    )
    return (
        f"<h2>Checklist</h2><p class='note'>{there} of {len(counted)} that a fair comparison has are there.</p>"
        + _table(table, {})
    )


def _figure(figure: go.Figure, alt: str) -> str:
    """The chart, and its takeaway in words for those who cannot see it."""
    figure.update_layout(template="plotly_white", font={"family": FONT, "color": "#1B2733", "size": 13})
    drawn = to_html(figure, full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True})
    return f'<figure role="figure" aria-label="{escape(alt, quote=True)}" style="margin:0">{drawn}</figure>'


def _table(table: pd.DataFrame, formats: Formats) -> str:
    numeric = [name in formats for name in table.columns]
    head = "".join(
        f"<th{_side(number)}>{escape(name.strip())}</th>" for name, number in zip(table.columns, numeric, strict=True)
    )
    rows = (
        "".join(
            f"<td{_side(name in formats, name == tables.NAME)}>{_cell(name, value, formats)}</td>"
            for name, value in zip(table.columns, row, strict=True)
        )
        for row in table.itertuples(index=False, name=None)
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _side(number: bool, name: bool = False) -> str:
    return ' class="number"' if number else ' class="name"' if name else ""


def _cell(name: str, value: Any, formats: Formats) -> str:
    if name == tables.MARK:
        return f'<img alt="" src="{value}">'
    if value is None or value != value:
        return ""
    return escape(formats[name](value) if name in formats else str(value))
