"""Imports of MovieLens data sets; importing one again changes nothing.

The movies are matched or added in one transaction. The ratings follow in chunks, each with the accounts and the sums
that go with it in its own transaction: a run that is killed leaves everything exact, and the next one goes on. Where
nobody has rated anything yet and nobody else uses the instance, nobody waits for the lock, and one transaction loads
all ratings with the table's indexes taken down: to build these at the end takes a fraction of keeping them up to date.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from movierating.auth.models import User
from movierating.movies.matching import AmbiguousMovie, Catalogue, MovieQuery
from movierating.movies.models import Movie
from movierating.movies.titles import fold
from movierating.ratings.bulk_aggregates import Sums
from movierating.ratings.dataset_loading import Report, load_batch
from movierating.ratings.formats.movielens import Dataset, MovieRow, RatingBatch
from movierating.ratings.formats.rows import BadRow
from movierating.ratings.models import Rating
from movierating.storage.database import exclusive_access, write
from movierating.storage.dialect import get_last_id, in_many

# Others who write wait for one chunk at most; smaller ones would move the sums of the same movies more often.
CHUNK_ROWS = 15_000

# Movies and users whose sums are collected before they are written, at some 300 bytes each.
_MAX_SUMS = 100_000

# How many times as many movies as a data set has are a large catalogue.
_LARGE = 4

_movie, _user = Movie.__table__.c, User.__table__.c


def import_movielens(dataset: Dataset, progress: Callable[[int], None]) -> Report:
    """Load a data set; its users become accounts `ml-<id>` that can't sign in. A second run changes nothing.

    `created_at` and `updated_at` are the time of loading. `progress` is told how many bytes of the ratings file are
    done. An OSError of the files ends the import; what is loaded by then stays, but for ratings of a first load.
    Raises Unavailable where the instance is being restored.
    """
    report, movie_ids = write(
        partial(_match, dataset=dataset, rows=list(dataset.movies())), own_transaction=True
    )
    with exclusive_access() as is_exclusive:
        if is_exclusive:
            first = write(
                lambda connection: _load_first(connection, dataset, movie_ids, progress), own_transaction=True
            )
            if first is not None:
                report.include(first)
                return report
    for chunk in _chunks(dataset.ratings()):
        report.include(write(partial(_load, chunk=chunk, movie_ids=movie_ids), own_transaction=True))
        progress(chunk[-1].bytes_read)
    return report


def _match(
    connection: Connection, dataset: Dataset, rows: Sequence[MovieRow | BadRow]
) -> tuple[Report, dict[int, int]]:
    """Match or add the data set's movies; return our ids by the data set's.

    The rows are gone through until they change nothing, for one may complete or add what another fits; so each means
    the same movie in the next run.
    """
    newest = get_last_id(connection, Movie.__table__)
    # Of a small set in a large catalogue, others would wait while all of that is learnt; to learn of most of it what is
    # wanted takes longer, and twice the memory.
    is_small = len(rows) < newest / _LARGE
    catalogue = Catalogue(connection, _wanted(rows) if is_small else None)
    changes = None
    while changes != catalogue.changes:
        changes = catalogue.changes
        report, ids_by_source = Report(), dict[int, int]()
        for row in rows:
            bad_row = row if isinstance(row, BadRow) else _match_row(catalogue, dataset, row, ids_by_source)
            if bad_row:
                report.refuse(bad_row)
    catalogue.flush()
    movies = set(ids_by_source.values())
    report.movies_added = sum(movie_id > newest for movie_id in movies)
    report.movies_present = len(movies) - report.movies_added
    return report, ids_by_source


def _wanted(rows: Iterable[MovieRow | BadRow]) -> list[MovieQuery]:
    wanted = []
    for row in rows:
        if isinstance(row, MovieRow):
            # Apart, because its title may count although an id decides as yet.
            wanted.append(MovieQuery(row.imdb_id, row.tmdb_id))
            wanted.append(MovieQuery(titles=(row.title, row.alternative_title)))
    return wanted


def _match_row(
    catalogue: Catalogue, dataset: Dataset, row: MovieRow, ids_by_source: dict[int, int]
) -> BadRow | None:
    """Find or add a row's movie and store its id, or return why not."""
    file, titles = dataset.movie_table.path.name, (row.title, row.alternative_title)
    if row.source_id in ids_by_source:
        return BadRow(file, row.line, f"the movie id {row.source_id} is listed before")
    if (row.year, row.imdb_id, row.tmdb_id) == (None, None, None) and fold(row.title) == "unknown":
        return BadRow(file, row.line, "nothing is known of the movie")
    try:
        movie_id = catalogue.find_and_complete(MovieQuery(row.imdb_id, row.tmdb_id, titles, row.year))
    except AmbiguousMovie as error:
        return BadRow(file, row.line, f"{row.title}: {error}")
    ids_by_source[row.source_id] = catalogue.add(_facts(row)) if movie_id is None else movie_id
    return None


def _facts(row: MovieRow) -> dict[str, Any]:
    return {
        "title": row.title,
        "original_title": row.alternative_title,
        "year": row.year,
        "genres": row.genres,
        "imdb_id": row.imdb_id,
        "tmdb_id": row.tmdb_id,
    }


def _chunks(batches: Iterable[RatingBatch]) -> Iterator[list[RatingBatch]]:
    chunk: list[RatingBatch] = []
    for batch in batches:
        chunk.append(batch)
        if sum(len(batch.lines) + len(batch.bad) for batch in chunk) >= CHUNK_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _load_first(
    connection: Connection, dataset: Dataset, movie_ids: Mapping[int, int], progress: Callable[[int], None]
) -> Report | None:
    """Write all ratings and what goes with them; None where there are ratings already."""
    if connection.execute(select(Rating.user_id).limit(1)).first() is not None:
        return None
    report, sums = Report(), Sums()
    for index in _INDEXES:
        index.drop(connection)
    for chunk in _chunks(dataset.ratings()):
        there = _still_there(connection, chunk, movie_ids)
        for batch in chunk:
            load_batch(connection, batch, there, report, sums)
        if len(sums) > _MAX_SUMS:
            sums.write(connection)
            sums = Sums()
        progress(chunk[-1].bytes_read)
    sums.write(connection)
    for index in _INDEXES:
        index.create(connection)
    return report


_INDEXES = sorted(Rating.__table__.indexes, key=lambda index: str(index.name))  # type: ignore[attr-defined]


def _load(connection: Connection, chunk: list[RatingBatch], movie_ids: Mapping[int, int]) -> Report:
    """Write a chunk's ratings, the accounts that they need, and the sums; the report is of this chunk alone."""
    report, sums = Report(), Sums()
    movie_ids = _still_there(connection, chunk, movie_ids)
    for batch in chunk:
        load_batch(connection, batch, movie_ids, report, sums)
    sums.write(connection)
    return report


def _still_there(
    connection: Connection, chunk: list[RatingBatch], movie_ids: Mapping[int, int]
) -> dict[int, int]:
    """Return the chunk's part of `movie_ids`, without the movies that were deleted since they were matched."""
    wanted = movie_ids.keys() & set().union(*(batch.movie_ids for batch in chunk))
    ours = {movie_ids[source_id] for source_id in wanted}
    there = set(connection.scalars(select(_movie.id).where(in_many(_movie.id, ours))))
    return {source_id: movie_ids[source_id] for source_id in wanted if movie_ids[source_id] in there}
