"""The twenty radio buttons of the form that rates a movie."""

import functools

from markupsafe import Markup

from movierating.pages.plots import format_value
from movierating.rating_stats import MAX_HALF_POINTS

_STEP = Markup('<label><input type="radio" name="value" value="{0}"{1} required><b>{0}</b></label>')
_CHECKED = Markup(" checked")


# A list has the same buttons for each of its movies; to render them for each would take half of its time.
@functools.lru_cache(MAX_HALF_POINTS + 1)
def render_steps(own: int | None) -> Markup:
    """Return the buttons from 0.5 to 10; the one of `own` (half points) is checked."""
    steps = range(1, MAX_HALF_POINTS + 1)
    return Markup("").join(
        _STEP.format(format_value(step), _CHECKED if step == own else "") for step in steps
    )
