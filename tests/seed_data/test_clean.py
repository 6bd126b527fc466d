"""The script that makes the bundled movies from a catalogue."""

import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "seed_data" / "corrections"
MOVIES = FOLDER.parent / "movies.csv"
with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(FOLDER)
    SCRIPT = runpy.run_path(str(FOLDER / "clean.py"))
CARTOONIST = "Tex Avery"


def film(**values):
    """A row of a catalogue, known to no table."""
    plain = {"title": "A Film", "year": "1950", "imdb_id": "tt99999999"}
    return dict.fromkeys(SCRIPT["COLUMNS"], "") | plain | values


def clean(**values):
    """The corrected row."""
    [movie] = SCRIPT["clean"]([film(**values)])
    return movie


def test_cleaning_the_bundled_movies_changes_nothing():
    bundled = SCRIPT["read"](MOVIES)
    assert SCRIPT["clean"]([dict(movie) for movie in bundled]) == bundled


def test_films_that_the_sources_lack_are_added_once():
    added = SCRIPT["add"]([film()])
    assert added[0] == film()
    assert {movie["imdb_id"] for movie in added[1:]} <= {row["imdb_id"] for row in SCRIPT["read"](MOVIES)}
    assert all(movie.keys() == film().keys() for movie in added[1:])
    assert SCRIPT["add"](added) == added


@pytest.mark.parametrize("name", ["facts", "added", "removed", "first_edition", "classics"])
def test_tables_name_movies_by_their_id_once(name):
    rows = SCRIPT["read"](FOLDER / f"{name}.csv")
    keys = [(row["imdb_id"], row.get("field")) for row in rows]
    assert len(set(keys)) == len(keys)


def test_corrections_are_of_bundled_movies():
    known = {movie["imdb_id"]: movie for movie in SCRIPT["read"](MOVIES)}
    for row in SCRIPT["read"](FOLDER / "facts.csv"):
        if row["field"] != "genres":
            assert known[row["imdb_id"]][row["field"]] == row["value"], row
        else:
            genres = known[row["imdb_id"]]["genres"].split("|")
            assert all((change[1:] in genres) == (change[0] == "+") for change in row["value"].split("|")), (
                row
            )


def test_no_rule_changes_the_first_edition():
    first = SCRIPT["read"](FOLDER / "first_edition.csv")[0]["imdb_id"]
    movie = clean(imdb_id=first, title="Odd :", runtime_minutes="9", genres="Family|Horror")
    assert (movie["title"], movie["runtime_minutes"], movie["genres"]) == ("Odd :", "9", "Family|Horror")


def test_a_line_of_a_table_corrects_the_first_edition_too():
    movie = clean(imdb_id="tt0347149", alternative_titles="Howl's Moving Caslte")
    assert "tt0347149" in {row["imdb_id"] for row in SCRIPT["read"](FOLDER / "first_edition.csv")}
    assert movie["alternative_titles"] == ""


@pytest.mark.parametrize(
    ("text", "title", "original_title"),
    [
        ("Dhund (2003 film)", "Dhund", ""),
        ("Dead Man`s Folly", "Dead Man's Folly", ""),
        ("A Day\u2019s Pleasure", "A Day's Pleasure", ""),
        ("Pour rire !", "Pour rire!", ""),
        ("City Hunter : The Film", "City Hunter: The Film", ""),
        ("The Clansman,", "The Clansman", ""),
        ("Odd ;", "Odd", ""),
        ("長い夢 Nagai Yume", "Nagai Yume", "長い夢"),
        ("古都", "古都", ""),
    ],
)
def test_titles_are_tidied(text, title, original_title):
    movie = clean(title=text)
    assert (movie["title"], movie["original_title"]) == (title, original_title)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("King Of The Zombies", "King of the Zombies"),
        ("The In Crowd", "The In Crowd"),
        ("Stephen King's The Shining", "Stephen King's The Shining"),
        ("The Dog That Came In", "The Dog That Came In"),
        ("Fort Apache, The Bronx", "Fort Apache, The Bronx"),
    ],
)
def test_small_words_of_english_titles_are_small(text, title):
    assert clean(title=text, language="en")["title"] == title
    assert clean(title=text, language="fr")["title"] == text


def test_ids_and_groups_become_persons():
    assert clean(directors="Q703759|Tom Palmer")["directors"] == "Walter Lantz|Tom Palmer"
    brothers = "Jean-Pierre Dardenne|Luc Dardenne"
    assert clean(directors="Dardenne brothers|Luc Dardenne")["directors"] == brothers
    assert clean(directors="Jan Dunn|Dogme 95")["directors"] == "Jan Dunn"
    assert clean(directors="Nagisa Ōshima")["directors"] == "Nagisa Oshima"


@pytest.mark.parametrize(
    ("runtime", "year", "genres", "minutes"),
    [
        ("385", "1933", "Animation|Short", "7"),
        ("7", "1933", "Animation|Short", "7"),
        ("", "1933", "Animation|Short", ""),
        ("90", "1933", "Animation", "90"),
        ("90", "2001", "", "90"),
    ],
)
def test_cartoons_are_animated_shorts(runtime, year, genres, minutes):
    movie = clean(directors=CARTOONIST, runtime_minutes=runtime, year=year)
    assert (movie["genres"], movie["runtime_minutes"]) == (genres, minutes)


@pytest.mark.parametrize(
    ("text", "genres"),
    [
        ("Documentary|Musical", "Documentary|Music"),
        ("Biography|Musical", "Biography|Music"),
        ("Comedy|Musical", "Comedy|Musical"),
        ("Family|Horror", "Horror"),
        ("Animation|Family|Horror", "Animation|Family|Horror"),
        ("Comedy|Family|Romance", "Comedy|Romance"),
        ("Family|Fantasy|Romance", "Family|Fantasy|Romance"),
        ("Crime|Family", "Crime"),
        ("Comedy|Crime|Family", "Comedy|Crime|Family"),
    ],
)
def test_genres_follow_the_rules(text, genres):
    assert clean(genres=text)["genres"] == genres


@pytest.mark.parametrize(
    ("runtime", "year", "genres"), [("44", "1990", "Short"), ("45", "1990", ""), ("", "1905", "Short")]
)
def test_short_films_have_the_genre_short(runtime, year, genres):
    assert clean(runtime_minutes=runtime, year=year)["genres"] == genres


@pytest.mark.parametrize(
    ("text", "language", "year", "country"),
    [
        ("CZ", "cs", "1968", "CS"),
        ("SK", "sk", "1992", "CS"),
        ("CZ", "cs", "1993", "CZ"),
        ("CS", "sr", "2002", "YU"),
        ("CS", "sr", "2003", "RS"),
        ("FR", "it", "1965", "IT"),
        ("FR", "it", "1996", "FR"),
        ("FR", "fr", "1965", "FR"),
    ],
)
def test_countries_existed_in_the_year_of_release(text, language, year, country):
    assert clean(country=text, language=language, year=year)["country"] == country


def test_alternative_titles_are_other_names():
    text = "a film|A  Film!|Un film|Other|other."
    assert clean(original_title="Un film", alternative_titles=text)["alternative_titles"] == "Other"


def test_duplicate_film_adds_its_facts_to_the_one_that_stays():
    row = next(row for row in SCRIPT["read"](FOLDER / "removed.csv") if row["same_as"])
    stays, double = film(imdb_id=row["same_as"]), film(imdb_id=row["imdb_id"], country="SM")
    [movie] = SCRIPT["remove"]([stays, double], set())
    assert (movie["imdb_id"], movie["country"]) == (row["same_as"], "SM")


def test_prominence_is_calculated_from_the_sources():
    first, classics = {"tt0000001"}, {"tt0000002"}
    known = {"tmdb_id": "11", "wikidata_id": "Q17738", "language": "en", "alternative_titles": "A|B|C|D|E"}
    rate = SCRIPT["rate_prominence"]
    assert rate(film(), first, classics) == 0
    assert rate(film(tmdb_id="400000", wikidata_id="Q99999999"), first, classics) == 6
    assert rate(film(**known), first, classics) == 39
    assert rate(film(imdb_id="tt0000001"), first, classics) == 40
    assert rate(film(imdb_id="tt0000001", **known), first, classics) == 79
    assert rate(film(imdb_id="tt0000002"), first, classics) == 80
