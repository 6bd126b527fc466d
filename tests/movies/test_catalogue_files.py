"""Files of catalogue imports: columns, line ends, invalid rows and files, progress."""

import gzip

import pytest
from sqlalchemy import func, select

from movierating.movies import catalogue_import, movie_csv
from movierating.movies.imdb_files import InvalidFile
from movierating.movies.models import Movie
from movierating.storage.database import read
from movies.catalogue_files import (
    AKAS,
    AMELIE,
    BASICS,
    DUEL,
    GODFATHER,
    RATINGS,
    list_movies,
    make_csv_row,
)


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
        "title.basics.tsv:4: does not have 9 columns",
        "title.basics.tsv:5: title: Must be 1 to 500 characters long.",
        "title.basics.tsv:7: is not UTF-8",
        "akas.tsv:2: does not have 8 columns",
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
