"""What schemathesis (schemathesis.toml) must know about the service that its OpenAPI document can't say."""

import unicodedata
from typing import Any

import schemathesis

from movierating.auth.passwords import MAX_LENGTH, MIN_LENGTH


@schemathesis.hook
def map_query(_context: Any, query: dict[str, Any] | None) -> dict[str, Any] | None:
    """Ask for first pages, in an order that needs no words: a list that refuses each request is not tested.

    Cursors still come by links, and made-up ones in the coverage phase, which no hook changes.
    """
    if query:
        query.pop("cursor", None)
        if query.get("sort") == "relevance" and "q" not in query:
            del query["sort"]
    return query


@schemathesis.hook
def filter_body(_context: Any, body: Any) -> bool:
    """Leave out a password whose length fits only before or only after NFKC, in which form the service counts it."""
    password = body.get("password") if isinstance(body, dict) else None
    if not isinstance(password, str):
        return True
    fits, fits_counted = (
        MIN_LENGTH <= len(text) <= MAX_LENGTH for text in (password, unicodedata.normalize("NFKC", password))
    )
    return fits == fits_counted
