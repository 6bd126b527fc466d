"""Rules for requests of schemathesis (schemathesis.toml) that an OpenAPI document can't express."""

import re
import unicodedata
from typing import Any

import schemathesis
from schemathesis.checks import CheckContext
from schemathesis.core.transport import Response

from movierating.auth.passwords import MAX_LENGTH, MIN_LENGTH
from movierating.movies.query_schemas import ListMoviesQuerySchema


@schemathesis.serializer("application/zip")
def serialize_zip(_context: Any, value: Any) -> bytes:
    """Return the bytes of a generated file."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


@schemathesis.hook
def map_query(_context: Any, query: dict[str, Any] | None) -> dict[str, Any] | None:
    """Remove generated cursors and `sort=relevance` without `q`, so that lists return pages.

    Valid cursors come from links, and generated ones from the coverage phase, which hooks do not change.
    """
    if query:
        # An invalid one remains: that it is rejected is tested.
        if re.fullmatch(r"[A-Za-z0-9_-]{1,4000}", str(query.get("cursor", ""))):
            del query["cursor"]
        if query.get("sort") == "relevance" and "q" not in query:
            del query["sort"]
        # Few movies pass many filters at once, and without a movie in a list, links lead nowhere.
        for name in SELECTIVE_FILTERS & query.keys():
            if is_valid_filter(name, query[name]):
                del query[name]
    return query


SELECTIVE_FILTERS = {
    *("ids", "exclude_genre", "country", "year_from", "year_to", "runtime_from", "runtime_to"),
    *("min_count", "min_score"),
}


def is_valid_filter(name: str, value: Any) -> bool:
    """Return True if the list of movies accepts this value of a filter."""
    if name != "exclude_genre":
        value = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return not ListMoviesQuerySchema().validate({name: value})


@schemathesis.hook
def filter_body(_context: Any, body: Any) -> bool:
    """Skip passwords whose length is valid only before or only after NFKC normalization."""
    password = body.get("password") if isinstance(body, dict) else None
    if not isinstance(password, str):
        return True
    lengths = (len(password), len(unicodedata.normalize("NFKC", password)))
    return len({MIN_LENGTH <= length <= MAX_LENGTH for length in lengths}) == 1


# The fields of valid requests that an operation may reject with 422, because a schema can't express what they may hold
# (schemathesis.toml says why). `N` stands for a place in a list.
EXCUSED_FIELDS = {
    "create_movie": {"alternative_titles.N"},
    "create_token": {"expires_at"},
    "import_ratings": {"choices", "column", "file"},
    "list_accounts": {"cursor"},
    "list_invitations": {"cursor"},
    "list_movie_ratings": {"cursor"},
    "list_movies": {"cursor", "sort"},
    "list_own_ratings": {"cursor"},
    "list_recommendations": {"cursor"},
    "list_taste_matches": {"cursor"},
    "list_tokens": {"cursor"},
    "list_user_ratings": {"cursor"},
    "match_tastes": {"user_id"},
    "merge_movie": {"into"},
    "preview_import": {"column", "file"},
    "rate_movie": {"rated_at"},
    "rate_movies": {"ratings.N.rated_at"},
    "sign_up": {"password"},
    "update_movie": {"alternative_titles.N"},
    "update_own_account": {"password"},
}


@schemathesis.check
def only_excused_fields_are_rejected(
    _context: CheckContext, response: Response, case: schemathesis.Case
) -> None:
    """Raise AssertionError if a 422 for a valid request names a field that is not excused."""
    is_valid = case.meta is not None and case.meta.generation.mode.is_positive
    if response.status_code != 422 or not is_valid:
        return
    operation_id = case.operation.definition.raw["operationId"]
    errors = [
        error
        for error in response.json()["errors"]
        if re.sub(r"\b\d+\b", "N", error["field"]) not in EXCUSED_FIELDS.get(operation_id, set())
    ]
    assert not errors, f"{operation_id} rejected valid values: {errors}"
