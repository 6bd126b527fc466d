"""Pairs of movies that may be the same one, for admins."""

from flask import Response, request, url_for

from movierating.movies import duplicates
from movierating.pages import notices
from movierating.pages.blueprint import admin_page, blueprint, render
from movierating.pages.movie_data import find_merge_notice

PAIRS_PER_PAGE = 50


@blueprint.get("/admin/duplicates")
@admin_page
def list_duplicates() -> Response:
    """Show pairs of movies that look alike, the one to keep second."""
    rows = duplicates.list_duplicates()
    # A merge leads back to this page, which may have had only that pair.
    last_start = max(0, len(rows) - 1) // PAIRS_PER_PAGE * PAIRS_PER_PAGE
    start = min(max(0, request.args.get("start", 0, int)), last_start)
    end = start + PAIRS_PER_PAGE
    names = ("id", "title", "year", "count")
    return render(
        "admin_duplicates.html",
        pairs=[
            [dict(zip(names, row[part], strict=True)) for part in (slice(0, 4), slice(4, 8))]
            for row in rows[start:end]
        ],
        total=len(rows),
        back=url_for("pages.list_duplicates", start=start or None),
        next_start=end if end < len(rows) else None,
        merged=find_merge_notice(),
        completed=notices.find_notice("different"),
    )
