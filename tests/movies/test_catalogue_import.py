"""Importing IMDb's data sets and CSV files of movies: what is added and completed, and what invalid files do."""

import gzip
from functools import partial

import pytest
from sqlalchemy import func, select

from movierating.movies import catalogue_import, index_repair, movie_csv, service
from movierating.movies.imdb_files import InvalidFile
from movierating.movies.matching import Catalogue
from movierating.movies.models import Movie, MovieTitle
from movierating.ratings import merging
from movierating.ratings import service as ratings
from movierating.storage.database import read

BASICS = (
    "tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear\truntimeMinutes\tgenres",
    "tt0068646\tmovie\tThe Godfather\tThe Godfather\t0\t1972\t\\N\t175\tCrime,Drama",
    'tt0211915\tmovie\tAmelie "of" Montmartre\tLe fabuleux destin d\'Amélie Poulain\t0\t2001\t\\N\t122\tRomance,Sci-Fi',
    "tt0067023\ttvMovie\tDuel\tDuel\t0\t1971\t\\N\t0\t\\N",
    "tt0903747\ttvSeries\tBreaking Bad\tBreaking Bad\t0\t2008\t2013\t45\tCrime,Drama,Thriller",
    "tt0000001\tshort\tCarmencita\tCarmencita\t0\t1894\t\\N\t1\tDocumentary,Short",
    "tt0000009\tmovie\tUnreleased\tUnreleased\t0\t\\N\t\\N\t\\N\t\\N",
    "tt0000008\tmovie\tFor Adults\tFor Adults\t1\t1980\t\\N\t70\tAdult",
)
RATINGS = (
    "tconst\taverageRating\tnumVotes",
    "tt0068646\t9.2\t2000000",
    "tt0211915\t8.3\t800000",
    "tt0067023\t7.6\t99",
)
AKAS = (
    "titleId\tordering\ttitle\tregion\tlanguage\ttypes\tattributes\tisOriginalTitle",
    "tt0068646\t1\tThe Godfather\t\\N\t\\N\toriginal\t\\N\t1",
    'tt0068646\t2\tDer Pate "1"\tDE\t\\N\timdbDisplay\t\\N\t0',
    "tt0903747\t1\tV mreži zla\tSI\t\\N\timdbDisplay\t\\N\t0",
    "tt0068646\t3\tMario Puzo's Film\tUS\t\\N\tworking\t\\N\t0",
    "tt0068646\t4\tDER PATE: 1\tAT\t\\N\tdvd\x02imdbDisplay\t\\N\t0",
    "tt9999999\t1\tUnknown here\tUS\t\\N\t\\N\t\\N\t0",
)
SUMMARY = ("added", "present", "completed", "titled", "skipped", "rejected")


@pytest.fixture
def write_file(tmp_path):
    """`write_file("title.basics.tsv.gz", lines)` returns the path of a file of these lines, compressed for .gz."""

    def write(name, lines):
        content = "".join(f"{line}\n" for line in lines).encode()
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return tmp_path / name

    return write


@pytest.fixture
def run_import(app):
    """`run_import(path, …, min_votes=10)` imports files, and returns the numbers of SUMMARY and the reasons."""

    def run(*paths, min_votes=None, progress=lambda _done: None):
        files = catalogue_import.open_files(paths)
        report = catalogue_import.import_catalogue(files, min_votes, progress)
        return tuple(getattr(report, name) for name in SUMMARY), report.reasons

    return run


def list_movies():
    columns = (
        Movie.title,
        Movie.original_title,
        Movie.year,
        Movie.runtime_minutes,
        Movie.genres,
        Movie.imdb_id,
    )
    return [tuple(row) for row in read().execute(select(*columns).order_by(Movie.id))]


def list_titles(imdb_id):
    statement = select(MovieTitle.title).join(Movie).where(Movie.imdb_id == imdb_id).order_by(MovieTitle.id)
    return read().scalars(statement).all()


GODFATHER = ("The Godfather", None, 1972, 175, '["Crime","Drama"]', "tt0068646")
AMELIE = (
    'Amelie "of" Montmartre', "Le fabuleux destin d'Amélie Poulain", 2001, 122, '["Romance","Science Fiction"]',
    "tt0211915",
)  # fmt: skip
DUEL = ("Duel", None, 1971, None, "[]", "tt0067023")


@pytest.mark.parametrize("suffix", ["tsv", "tsv.gz"])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_imdb_files_add_movies_with_their_alternative_titles(write_file, run_import, suffix, order):
    files = [
        write_file(f"title.{name}.{suffix}", lines)
        for name, lines in (("basics", BASICS), ("ratings", RATINGS), ("akas", AKAS))
    ]
    counts, reasons = run_import(*(files[place] for place in order))
    assert (counts, reasons) == ((3, 0, 0, 1, 4, 0), [])
    assert list_movies() == [GODFATHER, AMELIE, DUEL]
    assert list_titles("tt0068646") == ['Der Pate "1"']
    assert [list(index_repair.find_mismatches(read(), part)) for part in index_repair.BEFORE_TEXT] == [[]] * 3
    assert list(index_repair.find_mismatches(read(), index_repair.TEXT)) == []


def test_repeated_import_changes_nothing(write_file, run_import):
    files = [write_file("basics", BASICS), write_file("akas", AKAS)]
    run_import(*files)
    before = read().execute(select(Movie.__table__)).all()
    assert run_import(*files) == ((0, 3, 0, 0, 4, 0), [])
    assert read().execute(select(Movie.__table__)).all() == before
    assert read().scalar(select(func.count()).select_from(MovieTitle)) == 1


def test_existing_movies_get_ids_and_titles_and_keep_their_facts(add_movie, write_file, run_import):
    godfather = add_movie(title="Godfather", year=1972, genres=["Crime"], wikidata_id="Q47703")
    amelie = add_movie(title="Amélie", year=1999, imdb_id="tt0211915", runtime_minutes=100)
    counts, _ = run_import(write_file("basics", BASICS), write_file("akas", AKAS))
    assert counts == (1, 2, 1, 2, 4, 0)
    row = service.get_movie(godfather)
    assert (row.title, row.year, row.genres, row.imdb_id, row.runtime_minutes, row.wikidata_id) == (
        "Godfather", 1972, '["Crime"]', "tt0068646", None, "Q47703",
    )  # fmt: skip
    assert row.edit > 1
    row = service.get_movie(amelie)
    assert (row.title, row.original_title, row.year, row.runtime_minutes) == ("Amélie", None, 1999, 100)
    assert list_titles("tt0211915") == list(AMELIE[:2])


def test_movies_with_few_votes_are_completed_by_their_id_and_not_added(add_movie, write_file, run_import):
    duel, amelie = (
        add_movie(title="Duel", year=1971),
        add_movie(title="Amelie", year=2001, imdb_id="tt0211915"),
    )
    files = write_file("basics", BASICS), write_file("ratings", RATINGS)
    counts, _ = run_import(*files, min_votes=1_000_000)
    assert counts == (1, 1, 0, 1, 5, 0)
    assert service.get_movie(duel).imdb_id is None
    assert list_titles("tt0211915") == list(AMELIE[:2])
    assert [row[5] for row in list_movies()] == [None, "tt0211915", "tt0068646"]
    assert amelie


def test_invalid_rows_are_reported_and_skipped(write_file, run_import):
    rows = (
        "tt1\tmovie\tA\tA\t0\t2000\t\\N\t90\tDrama",
        "tt0000002\tmovie\tB\tB\t0\t20x0\t\\N\t90\tDrama",
        "tt0000003\tmovie\tC",
        "tt0000004\tmovie\t\t\t0\t2000\t\\N\t90\tDrama",
    )
    basics = write_file("title.basics.tsv", (BASICS[0], *rows, BASICS[1]))
    basics.write_bytes(basics.read_bytes() + b"tt0000005\tmovie\t\xff\t\xff\t0\t2000\t\\N\t90\tDrama\n")
    counts, reasons = run_import(basics, write_file("akas.tsv", (AKAS[0], "tt0068646\t1", AKAS[2])))
    assert counts == (1, 0, 0, 1, 0, 6)
    assert reasons == [
        "title.basics.tsv:2: imdb_id: Must be tt and 7 to 10 digits.",
        "title.basics.tsv:3: startYear is '20x0' instead of a number",
        "title.basics.tsv:4: has not 9 columns",
        "title.basics.tsv:5: title: Must be 1 to 500 characters long.",
        "title.basics.tsv:7: is not UTF-8",
        "akas.tsv:2: has not 8 columns",
    ]
    assert list_movies() == [GODFATHER]


def test_columns_are_found_by_name(write_file, run_import):
    lines = ["\t".join(["new", *reversed(line.split("\t"))]) for line in BASICS]
    assert run_import(write_file("basics", lines))[0][0] == 3
    assert list_movies() == [GODFATHER, AMELIE, DUEL]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_line_ends_and_a_bom_do_not_matter(run_import, tmp_path, line_end):
    path = tmp_path / "basics"
    path.write_bytes(b"\xef\xbb\xbf" + line_end.join(BASICS[:2]).encode())
    assert run_import(path)[0][0] == 1
    assert list_movies() == [GODFATHER]


def make_csv_row(**facts):
    return ",".join(facts.get(name, "") for name in movie_csv.COLUMNS)


def test_csv_adds_and_completes_movies(add_movie, write_file, run_import):
    heat = add_movie(title="Heat", year=1995, genres=["Crime"])
    rows = [
        make_csv_row(
            title="Heat", year="1995", tmdb_id="949", wikidata_id="Q42198", alternative_titles="Fuego|Heat"
        ),
        make_csv_row(title="Ran", year="1985", genres="Drama|War", alternative_titles="乱", prominence="40"),
        make_csv_row(title="Bad", year="x"),
    ]
    counts, reasons = run_import(write_file("movies.csv", [",".join(movie_csv.COLUMNS), *rows]))
    assert counts == (1, 1, 1, 2, 0, 1)
    assert reasons == ['movies.csv: line 4: year: Must be a whole number, not "x".']
    row = service.get_movie(heat)
    assert (row.tmdb_id, row.wikidata_id, row.genres) == (949, "Q42198", '["Crime"]')
    statement = select(Movie.title, Movie.prominence, MovieTitle.title).join(MovieTitle).order_by(Movie.id)
    added = read().execute(statement).all()
    assert [tuple(row) for row in added] == [("Heat", 0, "Fuego"), ("Ran", 40, "乱")]
    repeated = run_import(write_file("movies.csv", [",".join(movie_csv.COLUMNS), *rows[:2]]))
    assert repeated[0] == (0, 2, 0, 0, 0, 0)


OTHER = r"must name the columns .+\. A file may also be IMDb's title.basics, title.ratings or title.akas\."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", OTHER),
        (b"a,b\n1,2\n", OTHER),
        (b"tconst\tparentTconst\n", OTHER),
        (bytes(range(256)), "cannot be read as CSV in UTF-8"),
        (gzip.compress(b"a,b\n1,2\n"), "cannot be read as CSV in UTF-8"),
        (b"\x1f\x8b damaged", r"file: the gzip file is damaged or incomplete\."),
        (b"x" * 100_000, "file: a line is longer than 65536 bytes"),
    ],
    ids=["empty", "other CSV", "other TSV", "binary", "compressed CSV", "damaged gzip", "long line"],
)
@pytest.mark.usefixtures("app")
def test_other_files_are_rejected_before_anything_is_written(write_file, tmp_path, content, message):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InvalidFile, match=message):
        catalogue_import.open_files([write_file("basics", BASICS), tmp_path / "file"])


def test_incomplete_gzip_file_leaves_what_was_imported(write_file, run_import, monkeypatch):
    monkeypatch.setattr(catalogue_import, "BATCH_ROWS", 10)
    monkeypatch.setattr("movierating.movies.imdb_files._BLOCK_BYTES", 100)
    noise = [f"tt{n:07}\tmovie\t{hash(str(n))}\t{n}\t0\t2000\t\\N\t9\tDrama" for n in range(2_000)]
    path = write_file("basics.gz", (*BASICS[:2], *noise))
    whole = path.read_bytes()
    path.write_bytes(whole[:-5_000])
    with pytest.raises(InvalidFile, match=r"basics\.gz: the gzip file is damaged or incomplete\."):
        run_import(path)
    first = read().scalar(select(func.count()).select_from(Movie))
    assert list_movies()[0] == GODFATHER
    path.write_bytes(whole)
    counts, _ = run_import(path)
    assert counts[:2] == (2_001 - first, first)


def test_movies_of_one_title_and_year_without_ids_are_reported(add_movie, write_file, run_import):
    for title in ("Godfather", "Godfather!"):
        add_movie(title=title, year=1972)
    counts, reasons = run_import(write_file("basics", BASICS[:2]))
    assert counts == (0, 0, 0, 0, 0, 1)
    assert reasons == ["basics:2: more than one movie has this title and year"]


def test_reasons_are_bounded(write_file, run_import):
    counts, reasons = run_import(write_file("basics", [BASICS[0], *["x"] * 60]))
    assert (counts[-1], len(reasons)) == (60, 50)


def test_progress_counts_the_bytes_of_all_files(write_file, run_import, monkeypatch):
    monkeypatch.setattr("movierating.movies.imdb_files._BLOCK_BYTES", 100)
    paths = [write_file("basics", BASICS), write_file("akas.gz", AKAS), write_file("ratings", RATINGS)]
    paths.append(
        write_file("movies.csv", [",".join(movie_csv.COLUMNS), make_csv_row(title="A", year="2000")])
    )
    seen = []
    run_import(*paths, progress=seen.append)
    assert seen == sorted(seen)
    assert (seen[-1], len(set(seen)) > 5) == (catalogue_import.open_files(paths).size, True)


def test_a_movie_gets_at_most_100_alternative_titles_however_many_batches(
    write_file, run_import, monkeypatch
):
    monkeypatch.setattr(catalogue_import, "_MAX_TITLES", 7)
    akas = [f"tt0068646\t{n}\tName {n}\tDE\t\\N\t\\N\t\\N\t0" for n in range(150)]
    run_import(write_file("basics", BASICS), write_file("akas", [AKAS[0], *akas]))
    assert list_titles("tt0068646") == [f"Name {n}" for n in range(100)]


def test_titles_with_control_characters_or_too_long_are_left_out(write_file, run_import):
    akas = [
        partial("tt0068646\t1\t{}\tDE\t\\N\t\\N\t\\N\t0".format)(title)
        for title in ("\x01", "x" * 501, "Pate")
    ]
    run_import(write_file("basics", BASICS), write_file("akas", [AKAS[0], *akas]))
    assert list_titles("tt0068646") == ["Pate"]


def test_movie_that_is_added_after_the_match_is_completed_instead(
    write_file, run_import, add_movie, monkeypatch
):
    stage, others = Catalogue.stage, [{"title": "Godfather", "year": 1972}, {"imdb_id": "tt0067023"}]

    def add_another_first(catalogue):
        while others:
            add_movie(**others.pop())
        return stage(catalogue)

    monkeypatch.setattr(Catalogue, "stage", add_another_first)
    counts, _ = run_import(write_file("basics", BASICS))
    assert counts == (1, 2, 1, 1, 4, 0)
    assert service.get_movie_by_imdb_id("tt0068646").title == "Godfather"


def test_wikidata_id_finds_a_movie_whose_titles_and_other_ids_differ(write_file, run_import, add_movie):
    movie_id = add_movie(title="Hitze", year=1996, wikidata_id="Q42198")
    row = make_csv_row(title="Heat", year="1995", wikidata_id="Q42198", prominence="60")
    counts, _ = run_import(write_file("movies.csv", [",".join(movie_csv.COLUMNS), row]))
    assert counts == (0, 1, 0, 1, 0, 0)
    assert (service.get_movie(movie_id).title, service.get_movie(movie_id).prominence) == ("Hitze", 60)


@pytest.mark.parametrize("is_merged", [True, False], ids=["merged", "deleted"])
def test_merged_and_deleted_movies_are_not_added_again(write_file, run_import, add_movie, is_merged):
    basics = write_file("basics", BASICS)
    run_import(basics)
    survivor_id = add_movie(title="Il padrino", year=1972)
    movie_id = service.get_movie_by_imdb_id("tt0068646").id
    if is_merged:
        merging.merge_movies(movie_id, survivor_id)
    else:
        ratings.delete_movie(movie_id, None, with_ratings=False)
    (added, present, *_, skipped, _), _ = run_import(basics)
    assert (added, present, skipped) == ((0, 3, 4) if is_merged else (0, 2, 5))
