"""Match the rows of an uploaded file to movies, by an id or by title and year.

A film and its remake, or a short and the film made from it, are often a year apart. So a row that matches no movie is
reported with those that it may mean, and a movie is added for it only if there are none.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from movierating.movies.matching import AmbiguousMovie, MovieMatcher
from movierating.movies.movie_ids import find_ids_by_imdb_id, find_learning_ids
from movierating.movies.movie_query import MovieQuery
from movierating.movies.retired_movies import RetiredMovies
from movierating.movies.schemas import CreateMovieSchema
from movierating.ratings.formats.rows import RatedRow
from movierating.ratings.row_matches import ALWAYS, NEW, MatchOptions, RowMatches

# Other writers wait while an import adds movies.
MAX_MOVIES_ADDED = 5_000

LOADING = "no movie is added while the catalogue is being loaded; try again later"
NOT_IDENTIFIED = "a title without a year or an id does not identify a movie"
CLAIMED = "another row of the file, with another id, means this movie"


def match_rows(connection: Connection, rows: Sequence[RatedRow], options: MatchOptions) -> RowMatches:
    """Match each row to a movie, and stage the movies to add.

    Writes nothing; any connection will do.
    """
    matches = RowMatches()
    matcher, queries = _match_by_imdb_id(connection, rows, options, matches)
    missing = [(row, query) for row, query in queries if not _match(matcher, row, query, matches, options)]
    if missing:
        _match_missing_rows(connection, matcher, missing, matches, options)
    matches.follow_merges(connection)
    matches.staged = matcher.stage()
    return matches


def _match_by_imdb_id(
    connection: Connection, rows: Sequence[RatedRow], options: MatchOptions, matches: RowMatches
) -> tuple[MovieMatcher, list[tuple[RatedRow, MovieQuery]]]:
    """Match the rows that a choice or the IMDb id decides; return a matcher for the others, and these with queries."""
    chosen = options.find_chosen_movies(connection)
    ids_by_imdb_id = find_ids_by_imdb_id(connection, {row.imdb_id for row in rows if row.imdb_id})
    learning = find_learning_ids(connection, {row.imdb_id for row in rows if row.imdb_id and row.tmdb_id})
    queries = []
    for row in rows:
        choice = options.get_choice(row)
        movie_id = ids_by_imdb_id.get(row.imdb_id or "")
        if isinstance(choice, int):
            if choice in chosen:
                matches.add_identified(chosen[choice], row)
            else:
                matches.mark_unmatched(row, f"the chosen movie {choice} does not exist")
        elif movie_id is not None and choice is None and row.imdb_id not in learning:
            matches.add_identified(movie_id, row)
        else:
            queries.append((row, _make_query(row)))
    film_ids = {movie_id: row.film_id for movie_id, row in matches.identified if row.film_id is not None}
    return MovieMatcher(connection, [query for _, query in queries], film_ids=film_ids), queries


def _match(
    matcher: MovieMatcher, row: RatedRow, query: MovieQuery, matches: RowMatches, options: MatchOptions
) -> bool:
    """Add the row to `matches` if it names one movie or several; return False if it names none."""
    if options.get_choice(row) == NEW:
        return False
    is_identified = matcher.is_identified(query)
    try:
        match = matcher.find_and_claim(query)
    except AmbiguousMovie as error:
        matches.mark_unmatched(row, str(error), error.movie_ids)
        return True
    if match is None:
        return False
    movie_id, learned = match
    if is_identified:
        matches.add_identified(movie_id, row)
    else:
        matches.add(movie_id, row)
    if learned:
        ids = ", ".join(f"{name} {value}" for name, value in learned.items())
        matches.notes.append((row, f"the movie, which an import added, gets its {ids}"))
    return True


def _match_missing_rows(
    connection: Connection,
    matcher: MovieMatcher,
    missing: Sequence[tuple[RatedRow, MovieQuery]],
    matches: RowMatches,
    options: MatchOptions,
) -> None:
    """Match these rows again with the movies that earlier ones added, and call `_add_or_report` for the others."""
    matcher.load_candidates([query for _, query in missing])
    retired = RetiredMovies(connection, [_list_facts(row) for row, _ in missing], with_import_titles=True)
    for row, query in missing:
        # An earlier row may have added the movie.
        if not (matcher.added_count and _match(matcher, row, query, matches, options)):
            _add_or_report(matcher, retired, row, query, matches, options)


def _add_or_report(
    matcher: MovieMatcher,
    retired: RetiredMovies,
    row: RatedRow,
    query: MovieQuery,
    matches: RowMatches,
    options: MatchOptions,
) -> None:
    """Add a movie for a row that matches none, or report the row."""
    is_new = options.get_choice(row) == NEW
    candidates = matcher.list_candidates(query)
    if row.kind is not None:
        matches.not_movies.append(row)
    elif (survivor_id := retired.find_survivor(_list_facts(row))) is not None and not is_new:
        if matches.has_other_film(survivor_id, row):
            matches.mark_unmatched(row, CLAIMED, [survivor_id])
        else:
            matches.add(survivor_id, row)
    elif (claimed := matcher.list_claimed(query)) and not is_new:
        matches.mark_unmatched(row, CLAIMED, claimed)
    elif candidates and not is_new and options.create_missing != ALWAYS:
        similar = "there is no such movie, but there are similar ones"
        matches.mark_unmatched(row, similar if _has_key(row) else NOT_IDENTIFIED, candidates)
    elif reason := _explain_rejection(row, matcher, retired, options):
        matches.mark_unmatched(row, reason, candidates)
    else:
        movie_id = matcher.add(_list_facts(row), learns_ids=True, film_id=row.film_id)
        matches.add(movie_id, row)
        matches.notes.append((row, "the movie was not in the catalogue and is added"))


def _explain_rejection(
    row: RatedRow, matcher: MovieMatcher, retired: RetiredMovies, options: MatchOptions
) -> str | None:
    """Return why no movie is added for the row, or None if one may be."""
    if not options.create_missing and options.get_choice(row) != NEW:
        return "there is no such movie" if _has_key(row) else NOT_IDENTIFIED
    if options.is_catalogue_loading:
        # The load could add the movie a second time, and never completes the facts of one that is there.
        return LOADING
    if matcher.added_count >= MAX_MOVIES_ADDED:
        return f"a file adds {MAX_MOVIES_ADDED:,} movies at most; import it again for the others"
    facts = _list_facts(row)
    if facts in retired:
        return "an administrator merged, renamed or deleted this movie"
    if facts.keys().isdisjoint(_IDS) and row.title and matcher.has_movie_without_ids(row.title, row.year):
        return "there is a movie with this title and year; only an id tells two apart"
    if missing := [name for name in _REQUIRED if name not in facts]:
        return f"there is no such movie, and none can be added without {' and '.join(missing)}"
    errors = _schema.validate(facts)
    reasons = "; ".join(f"{name}: {' '.join(map(str, messages))}" for name, messages in errors.items())
    return f"there is no such movie, and it can't be added: {reasons}" if reasons else None


def _has_key(row: RatedRow) -> bool:
    return row.year is not None or row.imdb_id is not None or row.tmdb_id is not None


def _make_query(row: RatedRow) -> MovieQuery:
    titles = (row.title, row.original_title) if row.kind is None else ()
    return MovieQuery(row.imdb_id, row.tmdb_id, titles, row.year, row.film_id)


_schema = CreateMovieSchema()
# The schema rejects rows without these too, but takes much longer for thousands.
_REQUIRED = [name for name, field in _schema.fields.items() if field.required]
_IDS = ("imdb_id", "tmdb_id")
FACT_NAMES = ("title", "original_title", "year", *_IDS)


def _list_facts(row: RatedRow) -> dict[str, Any]:
    return {name: value for name in FACT_NAMES if (value := getattr(row, name)) is not None}
