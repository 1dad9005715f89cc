"""Pictures: what this is, in three panels of SVG (neighbours, their votes, the slim network); what emoji stand on."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import ImageColor

from dashboard import theme

WIDTH, HEIGHT = 300, 150
TARGET_AT = (150.0, 78.0)
NEAR = ((96, 44), (206, 40), (222, 104), (104, 118))
FAR = ((30, 30), (44, 92), (62, 132), (150, 18), (262, 66), (276, 24), (270, 128), (164, 134), (22, 60))
# Which of ten channels each neighbour of the picture keeps.
KEPT = ("1101000100", "1001100100", "1001000110", "0101000100")
SEATS = 4
NEAR_WHITE = 235


def neighbours_panel() -> str:
    """The target among earlier tasks, with lines to the most similar ones."""
    x, y = TARGET_AT
    lines = [f'<path d="M{x} {y}L{a} {b}" stroke="{theme.NEIGHBOUR}" stroke-width="2.5"/>' for a, b in NEAR]
    far = [_circle(a, b, 6, theme.ZOO_TASK) for a, b in FAR]
    near = [_circle(a, b, 10, theme.NEIGHBOUR) for a, b in NEAR]
    ring = f'<circle cx="{x}" cy="{y}" r="20" fill="none" stroke="{theme.TARGET}" stroke-width="3"/>'
    diamond = f'<path d="M{x} {y - 12}l12 12l-12 12l-12 -12z" fill="{theme.TARGET}"/>'
    return _svg([*lines, *far, *near, ring, diamond])


def votes_panel() -> str:
    """Rows of channels, filled where a neighbour kept them; below, bars of votes, the winners in orange."""
    tally = [sum(row[channel] == "1" for row in KEPT) for channel in range(len(KEPT[0]))]
    winners = sorted(range(len(tally)), key=lambda channel: -tally[channel])[:SEATS]
    shapes = []
    for row, kept in enumerate(KEPT):
        shapes.append(_circle(22, 18 + 20 * row, 7, theme.NEIGHBOUR))
        for channel, mark in enumerate(kept):
            colour = theme.NEIGHBOUR if mark == "1" else theme.FAINT
            shapes.append(_box(42 + 25 * channel, 10 + 20 * row, 21, 16, colour))
    for channel, votes in enumerate(tally):
        colour = theme.TARGET if channel in winners else theme.GREY
        shapes.append(_box(42 + 25 * channel, 144 - 11 * votes, 21, 11 * votes, colour))
    return _svg(shapes)


def slim_panel() -> str:
    """A wide network, an arrow, and the narrow one that is left."""
    wide, narrow = ((28, 6), (62, 7), (96, 7), (130, 6)), ((194, 2), (222, 2), (250, 2), (278, 2))
    arrow = f'<path d="M150 75h20m-7 -7l7 7l-7 7" fill="none" stroke="{theme.GREY}" stroke-width="3"/>'
    return _svg([*_network(wide, theme.GREY, 6), arrow, *_network(narrow, theme.TARGET, 8)])


def on_paper(tiles: npt.NDArray[np.uint8], paper: str) -> npt.NDArray[np.uint8]:
    """Pictures on white, [N, H, W, 3], with that colour around them; white inside of them stays."""
    white = tiles.min(axis=-1) >= NEAR_WHITE
    around = np.zeros_like(white)
    around[:, [0, -1]] = around[:, :, [0, -1]] = True
    around &= white
    while (grown := _grown(around) & white).sum() > around.sum():
        around = grown
    edge = _grown(around)[..., None]  # half white, half picture
    dyed = tiles * (np.array(ImageColor.getrgb(paper)) / 255)
    return np.where(edge, dyed, tiles).round().astype(np.uint8)


def _grown(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    wide = np.pad(mask, ((0, 0), (1, 1), (1, 1)))
    return mask | wide[:, :-2, 1:-1] | wide[:, 2:, 1:-1] | wide[:, 1:-1, :-2] | wide[:, 1:-1, 2:]


def _network(layers: Sequence[tuple[int, int]], colour: str, radius: int) -> list[str]:
    points = [[(x, HEIGHT / 2 + 20 * (row - (size - 1) / 2)) for row in range(size)] for x, size in layers]
    edges = [
        f'<path d="M{a} {b}L{c} {d}" stroke="{colour}" stroke-opacity="0.35"/>'
        for left, right in pairwise(points)
        for a, b in left
        for c, d in right
    ]
    return edges + [_circle(x, y, radius, colour) for layer in points for x, y in layer]


def _circle(x: float, y: float, radius: float, colour: str) -> str:
    return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{colour}"/>'


def _box(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="3" fill="{colour}"/>'


def _svg(shapes: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
    return head + "".join(shapes) + "</svg>"
