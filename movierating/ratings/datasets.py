"""Import MovieLens data sets; importing one again changes nothing.

The movies are added in batches. The ratings follow, each batch in a transaction of its own with its accounts and
aggregates, so an import that is killed leaves everything exact and the next one resumes it. On an instance that no
other process uses, one transaction adds all movies; if it has no ratings, another one loads all of them while the table
has no indexes, because to build these at the end takes a fraction of the time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from movierating.movies.matching import AmbiguousMovie, MovieMatcher
from movierating.movies.movie_ids import find_current_ids, find_ids_by_imdb_id
from movierating.movies.movie_query import MovieQuery
from movierating.movies.retired_movies import RetiredMovies
from movierating.movies.staged_movies import BATCH_MOVIES
from movierating.movies.titles import fold
from movierating.ratings.bulk import retry_if_catalogue_changes
from movierating.ratings.bulk_aggregates import AggregateDeltas
from movierating.ratings.dataset_loading import DatasetReport, load_batch
from movierating.ratings.formats.movielens import Dataset, DatasetMovie, RatingBatch
from movierating.ratings.formats.rows import RejectedRow
from movierating.ratings.models import Rating
from movierating.ratings.row_matching import FACT_NAMES
from movierating.storage.database import exclusive_access, read, write

# Movies and users whose aggregates change in one write, at some 300 bytes each.
_MAX_DELTAS = 100_000

_INDEXES = sorted(Rating.__table__.indexes, key=lambda index: str(index.name))  # type: ignore[attr-defined]


def import_movielens(dataset: Dataset, progress: Callable[[int], None]) -> DatasetReport:
    """Load a data set; its users become accounts `ml-<id>` that can't log in. A second run changes nothing.

    `created_at` and `updated_at` are the time of loading. `progress` is called with the number of bytes of the ratings
    file that are done. An OSError of the files ends the import; what is loaded by then stays, except for ratings of a
    first load. Raise Unavailable while the instance is being restored.
    """
    rows, added = list(dataset.read_movies()), set[int]()
    report, movie_ids = retry_if_catalogue_changes(lambda: _add_movies(dataset, rows, added))
    with exclusive_access() as is_exclusive:
        if is_exclusive:
            load_first = partial(_load_first, dataset=dataset, movie_ids=movie_ids, progress=progress)
            first = write(load_first, own_transaction=True)
            if first is not None:
                report.include(first)
                return report
    # Other writers wait for one batch at most.
    for batch in dataset.read_ratings():
        report.include(write(partial(_load, batches=[batch], movie_ids=movie_ids), own_transaction=True))
        progress(batch.bytes_read)
    return report


def _add_movies(
    dataset: Dataset, rows: Sequence[DatasetMovie | RejectedRow], added: set[int]
) -> tuple[DatasetReport, dict[int, int]]:
    """Match or add the data set's movies; return our ids by the data set's. Raise CatalogueChanged.

    `added` gets the ids of new movies, and has those of earlier calls.
    """
    matcher = _DatasetMatcher(dataset, rows)
    report, ids_by_source = matcher.match()
    new_ids: dict[int, int] = {}
    with exclusive_access() as is_exclusive:
        # Several transactions take longer than one, and only another process would wait for it.
        for batch in matcher.write_in_batches(len(rows) if is_exclusive else BATCH_MOVIES):
            new_ids |= batch
            added.update(batch.values())
    movie_ids = {source_id: new_ids.get(movie_id, movie_id) for source_id, movie_id in ids_by_source.items()}
    report.movies_added = len(added)
    report.movies_present = len({*movie_ids.values()} - added)
    return report, movie_ids


class _DatasetMatcher:
    """Matches the movies of a data set, or stages those to add, outside the transaction that writes them."""

    def __init__(self, dataset: Dataset, rows: Sequence[DatasetMovie | RejectedRow]) -> None:
        """Load the part of the catalogue that the rows may mean."""
        self._file = dataset.movie_table.path.name
        self._rows = rows
        movies = [row for row in rows if isinstance(row, DatasetMovie)]
        self._retired = RetiredMovies(read(), [_list_facts(movie) for movie in movies])
        self._matcher = MovieMatcher(read(), _list_queries(movies), gives_ids=True, with_import_titles=False)
        self._changes = 0

    def match(self) -> tuple[DatasetReport, dict[int, int]]:
        """Match or add the data set's movies; return our ids, which may be provisional, by the data set's.

        The rows are matched again until nothing changes, because one may complete or add the movie of another; so each
        means the same movie in the next run.
        """
        changes = None
        while changes != self._changes:
            changes = self._changes
            report, ids_by_source = DatasetReport(), dict[int, int]()
            for row in self._rows:
                rejected_row = row if isinstance(row, RejectedRow) else self._match_row(row, ids_by_source)
                if rejected_row:
                    report.reject_row(rejected_row)
        return report, ids_by_source

    def write_in_batches(self, batch_movies: int) -> Iterator[dict[int, int]]:
        """Write what `match` changed; yield our ids of new movies, by provisional ids. Raise CatalogueChanged."""
        return self._matcher.write_in_batches(batch_movies)

    def _match_row(self, row: DatasetMovie, ids_by_source: dict[int, int]) -> RejectedRow | None:
        """Find or add a row's movie and store its id, or return why not."""
        titles = (row.title, row.original_title)
        if row.source_id in ids_by_source:
            return RejectedRow(self._file, row.line, f"the movie id {row.source_id} is listed before")
        if (row.year, row.imdb_id, row.tmdb_id) == (None, None, None) and fold(row.title) == "unknown":
            return RejectedRow(self._file, row.line, "nothing is known of the movie")
        try:
            match = self._matcher.find_and_claim(MovieQuery(row.imdb_id, row.tmdb_id, titles, row.year))
        except AmbiguousMovie as error:
            return RejectedRow(self._file, row.line, f"{row.title}: {error}")
        movie_id, learned = match or (None, {})
        self._changes += bool(learned)
        if movie_id is None:
            facts = _list_facts(row)
            movie_id = self._retired.find_survivor(facts)
            if movie_id is None and facts in self._retired:
                return RejectedRow(self._file, row.line, f"{row.title}: an administrator deleted this movie")
        if movie_id is None:
            movie_id = self._matcher.add(facts)
            self._changes += 1
        ids_by_source[row.source_id] = movie_id
        return None


def _list_queries(rows: Sequence[DatasetMovie]) -> list[MovieQuery]:
    ids_by_imdb_id = find_ids_by_imdb_id(read(), {row.imdb_id for row in rows if row.imdb_id})
    queries = [MovieQuery(row.imdb_id, row.tmdb_id) for row in rows]
    # A TMDB id that decides so far may not do so after another row gave the movie its IMDb id.
    titles = [(row.title, row.original_title) for row in rows if row.imdb_id not in ids_by_imdb_id]
    return queries + [MovieQuery(titles=names) for names in titles]


def _list_facts(row: DatasetMovie) -> dict[str, Any]:
    return {name: getattr(row, name) for name in (*FACT_NAMES, "genres")}


def _load_first(
    connection: Connection, dataset: Dataset, movie_ids: Mapping[int, int], progress: Callable[[int], None]
) -> DatasetReport | None:
    """Write all ratings while their table has no indexes; return None if there are ratings already."""
    if connection.execute(select(Rating.user_id).limit(1)).first() is not None:
        return None
    for index in _INDEXES:
        index.drop(connection)
    report = _load(connection, dataset.read_ratings(), movie_ids, progress)
    for index in _INDEXES:
        index.create(connection)
    return report


def _load(
    connection: Connection,
    batches: Iterable[RatingBatch],
    movie_ids: Mapping[int, int],
    progress: Callable[[int], None] = lambda _bytes_read: None,
) -> DatasetReport:
    """Write the ratings of these batches, the accounts that they need, and the aggregates; report these alone."""
    report, deltas = DatasetReport(), AggregateDeltas()
    for batch in batches:
        load_batch(connection, batch, _select_existing(connection, batch, movie_ids), report, deltas)
        if len(deltas) > _MAX_DELTAS:
            deltas.write(connection)
            deltas = AggregateDeltas()
        progress(batch.bytes_read)
    deltas.write(connection)
    return report


def _select_existing(
    connection: Connection, batch: RatingBatch, movie_ids: Mapping[int, int]
) -> dict[int, int]:
    """Return the batch's part of `movie_ids`, as merges and deletions since they were matched left it."""
    ids = {source_id: movie_ids[source_id] for source_id in {*batch.movie_ids} & movie_ids.keys()}
    current_ids = find_current_ids(connection, set(ids.values()))
    return {
        source_id: current_ids[movie_id] for source_id, movie_id in ids.items() if movie_id in current_ids
    }
