"""How numbers are written for people: on every page, in every table, report and card, and by the command line.

Negative ones have a true minus sign, and a space stands before every unit. Charts know the same rules as formats of
their own (`dashboard.theme`).
"""

MINUS = "\N{MINUS SIGN}"


def percent(share: float, digits: int = 0) -> str:
    """A share in [0, 1] as "20 %"."""
    return _signed_well(f"{100 * share:.{digits}f} %")


def ratio(keep: float) -> str:
    """A keep ratio as exactly as it was asked for: "20 %", "12.5 %"."""
    return f"{100 * keep:.4g} %"


def points(difference: float) -> str:
    """A difference of shares in percentage points: 0.0142 -> "+1.4"."""
    return _signed_well(f"{100 * difference:+.1f}", "+")


def deviation(value: float) -> str:
    """How far off something is, relative to it: "+0.6 %"."""
    return _signed_well(f"{100 * value:+.1f} %", "+")


def decimal(value: float, digits: int = 2) -> str:
    """A plain number: "0.12", "−1.23"."""
    return _signed_well(f"{value:,.{digits}f}")


def count(number: float) -> str:
    """A whole number with thousands separated: "7,434"."""
    return _signed_well(f"{number:,.0f}")


def counted(number: int, one: str, several: str = "") -> str:
    """So many of something: "1 run", "1,200 runs"; `several` is the plural where it takes more than an s."""
    return f"{count(number)} {one if number == 1 else several or one + 's'}"


def short(number: float) -> str:
    """A large number in three digits: "448 k", "11.2 M", "2 G"; below a thousand as it is."""
    for unit, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(number) >= 0.9995 * size:
            return _signed_well(f"{float(f'{number / size:.3g}'):g} {unit}")
    return _signed_well(f"{number:.3g}")


def megabytes(size: float) -> str:
    """A number of bytes: "43.9 MB"."""
    return f"{size / 1e6:,.1f} MB"


def duration(seconds: float, digits: int = 0) -> str:
    """ "8 s" (with a digit more "7.6 s"), "2 min 5 s", "1 h 12 min"."""
    whole, shown = max(0, round(seconds)), f"{max(0.0, seconds):.{digits}f}"
    if float(shown) < 60:
        return f"{shown} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def milliseconds(seconds: float) -> str:
    """0.00412 -> "4.12 ms", 2.5 -> "2,500 ms"."""
    return f"{1000 * seconds:.3g} ms" if seconds < 0.9995 else f"{1000 * seconds:,.0f} ms"


def times(factor: float, digits: int = 1) -> str:
    """A ratio: "4.1 ×"."""
    return f"{decimal(factor, digits)} ×"


def ago(seconds: float) -> str:
    """How long ago something was, coarsely: "just now", "12 min ago", "3 days ago"."""
    if seconds < 60:
        return "just now"
    for unit, size in (("day", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            number = int(seconds // size)
            plural = "s" if unit == "day" and number > 1 else ""
            return f"{number} {unit}{plural} ago"
    return "just now"


def energy(kwh: float) -> str:
    """Energy in the unit that suits it: "0.42 Wh", "1.30 kWh"."""
    return f"{kwh:.2f} kWh" if kwh >= 0.1 else f"{1000 * kwh:.2f} Wh"


def mass(grams: float) -> str:
    """Mass in the unit that suits it: "3.20 mg", "0.42 g", "1.30 kg"."""
    for unit, size in (("kg", 1000.0), ("g", 1.0)):
        if grams >= 0.1 * size:
            return f"{grams / size:.2f} {unit}"
    return f"{1000 * grams:.2f} mg"


def _signed_well(text: str, zero: str = "") -> str:
    """With a true minus sign, but never before a zero, which has the sign `zero`."""
    if text.startswith("-") and not any(digit in text for digit in "123456789"):
        return zero + text[1:]
    return text.replace("-", MINUS)
