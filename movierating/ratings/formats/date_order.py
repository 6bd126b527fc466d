"""Detect whether the numeric dates of a column have the day or the month first.

A spreadsheet writes `3/5/2023` for the third of May or the fifth of March.
"""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from functools import cached_property
from typing import NamedTuple

from movierating import clock
from movierating.ratings.formats.dates import (
    NUMERIC_DATE,
    is_future,
    parse_microseconds,
    split_numeric_date,
    to_rfc3339,
)


class DateOrder(NamedTuple):
    """The order of numeric dates in a column.

    It `is_certain` if some dates can be read in no other order; `is_mixed` if others can be read only in the other one.
    """

    day_first: bool
    is_certain: bool
    is_mixed: bool = False


def detect_order(texts: Iterable[str]) -> DateOrder:
    """Return the order of most of the dates that have only one; the month first if there is none.

    A date has only one order if a number is above 12, or if it lies in the future in the other order.
    """
    day_first = month_first = 0
    for text in texts:
        numbers = split_numeric_date(text)
        if numbers and 12 < max(numbers) <= 31 and min(numbers) <= 12:
            day_first += numbers[0] > 12
            month_first += numbers[1] > 12
        elif numbers and _may_be_future(text):
            is_after_now = [_is_future_date(text, is_day_first) for is_day_first in (True, False)]
            day_first += is_after_now == [False, True]
            month_first += is_after_now == [True, False]
    is_mixed = day_first > 0 and month_first > 0
    return DateOrder(day_first > month_first, day_first + month_first > 0, is_mixed)


def _may_be_future(text: str) -> bool:
    # To parse every date of a file twice would take long.
    match = NUMERIC_DATE.fullmatch(text.strip())
    return match is not None and f"20{match[4]}"[-4:] >= clock.format_rfc3339(clock.now())[:4]


def _is_future_date(text: str, day_first: bool) -> bool:
    try:
        return is_future(parse_microseconds(text.strip(), day_first))
    except ValueError:
        return False


def is_ambiguous(text: str) -> bool:
    """Return True if the text is a date that can be read with the day or with the month first."""
    numbers = split_numeric_date(text)
    return numbers is not None and max(numbers) <= 12 and numbers[0] != numbers[1]


class DateFields:
    """The fields of a file that hold dates. Their orders are detected when the first date needs one."""

    def __init__(
        self, names: Collection[str], list_dates: Callable[[str], Iterable[str]], *, is_month_first: bool
    ) -> None:
        """`list_dates` returns the dates of a field; `is_month_first` tells that the service writes them so."""
        self._names = names
        self._list_dates = list_dates
        self._is_month_first = is_month_first
        self._noted_orders: set[DateOrder] = set()

    @cached_property
    def _orders(self) -> dict[str, DateOrder]:
        """The order of each field: its own, or if its dates leave it open, that of another field."""
        orders = {name: detect_order(self._list_dates(name)) for name in self._names}
        certain = next((order for order in orders.values() if order.is_certain), None)
        return {name: order if order.is_certain else certain or order for name, order in orders.items()}

    def normalize(self, fields: dict[str, str]) -> str | None:
        """Write the numeric dates of a row with the year first; return a note if an order had to be chosen."""
        notes = []
        for name in self._names:
            text = fields[name].strip()
            if split_numeric_date(text) is None:
                continue
            order = self._orders[name]
            with suppress(ValueError):
                fields[name] = to_rfc3339(text, order.day_first)
            if is_ambiguous(text) and order not in self._noted_orders:
                self._noted_orders.add(order)
                notes.append(self._describe_order(order, text, fields[name]))
        return "; ".join(filter(None, notes)) or None

    def _describe_order(self, order: DateOrder, text: str, read_as: str) -> str | None:
        if order.is_mixed:
            return f"some dates have the day first, others the month; {text} is read as {read_as[:10]}"
        if order.day_first:
            return f"dates are read day first: {text} is {read_as[:10]}"
        if order.is_certain or self._is_month_first:
            return None
        return f"no date tells whether the day or the month is first; {text} is read as {read_as[:10]}"
