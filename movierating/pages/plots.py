"""Plots as SVG paths with whole numbers, and the numbers beside them."""

from collections.abc import Sequence

NONE = "–"  # noqa: RUF001  (an en dash)


def draw_bars(values: Sequence[float], width: int = 100, height: int = 24, gap: float = 0.4) -> str:
    """Return the path of one bar for each value, from the lower edge; the highest bar has the full height.

    `gap` is the share of its column that a bar leaves free. A value above zero is at least one unit high.
    """
    top = max(values, default=0) or 1
    step = width / max(len(values), 1)
    parts = []
    for position, value in enumerate(values):
        if value:
            left = round(step * (position + gap / 2))
            bar = max(1, round(step * (position + 1 - gap / 2)) - left)
            tall = max(1, round(height * value / top))
            parts.append(f"M{left} {height}v-{tall}h{bar}v{tall}z")
    return "".join(parts)


def format_value(half_points: int | None) -> str:
    """Return a rating in half points as text, such as `8.5`; a dash for None."""
    if half_points is None:
        return NONE
    whole, half = divmod(half_points, 2)
    return f"{whole}.5" if half else str(whole)


def format_mean(mean: float | None) -> str:
    """Return a mean with one decimal, or a dash for None."""
    return NONE if mean is None else f"{mean:.1f}"


def format_count(count: int) -> str:
    """Return a number with separators of thousands, such as `74,021`."""
    return f"{count:,}"


def choose_tone(title: str) -> int:
    """Return the number of the colour of a movie's poster, from 0 to 11; the same for every page and process."""
    return sum(title.encode()) % 12
