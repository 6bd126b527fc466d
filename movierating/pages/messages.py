"""The API's messages in the words of pages: those that name a parameter of the API differ."""

import re

# The page of an import lists the services itself, by their names.
_FORMATS = re.compile(r" Accepted formats: [^.]*\.")
# The name and the value of the operator's setting.
_LIMIT = re.compile(r"^Too many requests \([^)]*\)")
_REWORDED = {
    "Missing data for required field.": "Fill in this field.",
    "Name the column of ratings: rating=COLUMN.": "Choose the column of ratings.",
    "Name the column of titles: title=COLUMN.": "Choose the column of titles.",
    "Name the columns with `column`, such as title=Title, and the highest rating with `scale`, such as 100.": (
        "Choose the highest rating."
    ),
    "Name them with `column`, such as title=Film, or take another format.": (
        "Which one has the titles, and which the ratings?"
    ),
    "`scale=10` reads them as points": "“Name the columns” has a field for the highest rating",
    "`scale` sets another": "“Highest rating” sets another",
}


def reword(message: str) -> str:
    """Return a message of the API as pages show it."""
    for text, replacement in _REWORDED.items():
        message = message.replace(text, replacement)
    return _LIMIT.sub("Too many requests", _FORMATS.sub("", message))
