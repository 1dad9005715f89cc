"""A run's mark: the symbol and line it is drawn with in every chart, as a picture for tables and keys."""

from base64 import b64encode

from dashboard.theme import Style

WIDTH, HEIGHT = 40, 18  # pixels
# SVG paths in a square from -1 to 1.
_CIRCLE = "M-0.9,0A0.9,0.9,0,1,1,0.9,0A0.9,0.9,0,1,1,-0.9,0Z"
_PATHS: dict[str, str] = {
    "square": "M-0.85,-0.85H0.85V0.85H-0.85Z",
    "diamond": "M0,-1.15L1.15,0L0,1.15L-1.15,0Z",
    "triangle-up": "M0,-1L1,0.8H-1Z",
    "triangle-down": "M0,1L1,-0.8H-1Z",
    "triangle-right": "M1,0L-0.8,1V-1Z",
    "triangle-left": "M-1,0L0.8,1V-1Z",
    "hexagon": "M0.5,-0.9L1,0L0.5,0.9H-0.5L-1,0L-0.5,-0.9Z",
    "star": "M0,-1.25L0.3,-0.41L1.19,-0.39L0.48,0.16L0.73,1.01L0,0.5L-0.73,1.01L-0.48,0.16L-1.19,-0.39L-0.3,-0.41Z",
    "cross": "M-0.35,-1H0.35V-0.35H1V0.35H0.35V1H-0.35V0.35H-1V-0.35H-0.35Z",
    "x": "M-1,-0.55L-0.55,-1L0,-0.45L0.55,-1L1,-0.55L0.45,0L1,0.55L0.55,1L0,0.45L-0.55,1L-1,0.55L-0.45,0Z",
}


def path_of(symbol: str) -> str:
    """The symbol as an SVG path from -1 to 1, which Vega takes as a shape."""
    return _PATHS.get(symbol.removesuffix("-open"), _CIRCLE)


def plotly_dash(style: Style) -> str:
    """The dash as Plotly writes it."""
    return ",".join(f"{part}px" for part in style.dash) or "solid"


def mark_svg(style: Style) -> str:
    """Line and symbol as a small SVG."""
    middle, fill = HEIGHT / 2, "none" if style.symbol.endswith("-open") else style.colour
    dash = f' stroke-dasharray="{" ".join(map(str, style.dash))}"' if style.dash else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<path d="M3,{middle:g}H{WIDTH - 3}" stroke="{style.colour}" stroke-width="2"{dash}/>'
        f'<path d="{path_of(style.symbol)}" transform="translate({WIDTH / 2:g},{middle:g}) scale(5)" fill="{fill}"'
        f' stroke="{style.colour}" stroke-width="0.36"/></svg>'
    )


def mark_url(style: Style) -> str:
    """The same as an address that holds the picture itself."""
    return "data:image/svg+xml;base64," + b64encode(mark_svg(style).encode()).decode()
