"""Counts of the rows that an import of movies or of a data set reads."""

from dataclasses import dataclass, field, fields
from typing import Self

_MAX_REASONS = 50


@dataclass(slots=True)
class ImportCounts:
    """Counts of rows: subclasses add theirs.

    `rejected` counts invalid rows; `reasons` has a line for each of the first _MAX_REASONS.
    """

    rejected: int = 0
    reasons: list[str] = field(default_factory=list)

    def reject(self, place: str, reason: object) -> None:
        """Count an invalid row."""
        self.rejected += 1
        if len(self.reasons) < _MAX_REASONS:
            self.reasons.append(f"{place}: {reason}")

    def include(self, part: Self) -> None:
        """Add the counts of a part of the import."""
        for count in fields(self):
            if count.name != "reasons":
                setattr(self, count.name, getattr(self, count.name) + getattr(part, count.name))
        self.reasons += part.reasons[: _MAX_REASONS - len(self.reasons)]
