import pytest
from sqlalchemy import delete, select

from movierating.movies import search_index, service
from movierating.movies.models import Movie, MovieFacet, MovieTitle
from movierating.storage.database import read, write

KELLS = {
    "title": "The Secret of Kells",
    "original_title": "Brendan: An Rún",
    "genres": '["Animation","Family"]',
    "directors": '["Tomm Moore","TOMM MOORE","Łukasz Śmigły"]',
    "year": 2009,
    "language": "en",
}


def indexed(movie_id):
    facets = read().scalars(select(MovieFacet.facet).where(MovieFacet.movie_id == movie_id)).all()
    words = search_index.MOVIE_SEARCH
    text = read().execute(select(words).where(words.c.rowid == movie_id)).one_or_none()
    return set(facets), text and tuple(text)


def test_facets_are_the_values_of_filters():
    assert search_index.list_facets(KELLS) == [
        "genre:Animation",
        "genre:Family",
        "director:tomm moore",
        "director:lukasz smigly",
        "year:2009",
        "language:en",
        "name:secretofkells",
        "name:brendananrun",
        "part:brendan",
        "part:run",
    ]


def test_text_is_folded_into_the_index(add_movie):
    movie_id = add_movie(
        title="Amélie", original_title="Le Fabuleux Destin", directors=["Jean-Pierre Jeunet", "Ł"]
    )
    assert indexed(movie_id)[1] == (
        movie_id,
        "amelie",
        "le fabuleux destin",
        "jean pierre jeunet l jeanpierre",
        "",
    )


def test_removed_movie_is_in_neither_index(add_movie):
    removed, remaining = add_movie(genres=["Drama"]), add_movie(genres=["Drama"])
    before = indexed(remaining)
    write(lambda connection: search_index.remove_movie(connection, removed))
    assert indexed(removed) == (set(), None)
    assert indexed(remaining) == before != (set(), None)


def test_an_edit_leaves_one_entry(add_movie):
    movie_id = add_movie(title="Emma", directors=["Douglas McGrath"], genres=["Comedy"], language="en")
    changes = {"title": "Emma II", "directors": [], "genres": ["Drama"], "language": None}
    service.update_movie(movie_id, None, changes)
    assert indexed(movie_id) == (
        {"genre:Drama", "year:2000", "name:emma2"},
        (movie_id, "emma ii", "", "", ""),
    )


def test_alternative_titles_are_indexed_except_those_of_imports(add_movie, add_titles):
    movie_id = add_movie(title="Seven Samurai", directors=["Ł"])
    add_titles(movie_id, "Die sieben Samurai", "Les Sept Samouraïs", "七人の侍")
    add_titles(movie_id, "Magnificent Seven", source="import")
    texts = (movie_id, "seven samurai", "", "l", "die sieben les sept samourais 七人の侍")
    assert indexed(movie_id)[1] == texts
    service.update_movie(movie_id, None, {"title": "Sieben"})
    assert indexed(movie_id)[1] == (movie_id, "sieben", "", "l", "die samurai les sept samourais 七人の侍")


def test_index_has_nothing_of_a_movie_with_alternative_titles_that_was_deleted(add_movie, add_titles):
    movie_id = add_movie(title="Alien")
    add_titles(movie_id, "Obcy")
    write(lambda connection: search_index.remove_movie(connection, movie_id))
    write(lambda connection: connection.execute(delete(Movie)))
    assert indexed(movie_id) == (set(), None)
    assert read().scalars(select(MovieTitle.title)).all() == []


def test_no_movies_are_indexed_without_a_statement(app):
    write(lambda connection: search_index.add_movies(connection, []))


@pytest.mark.parametrize(
    ("words", "bound"),
    [
        (["moon"], '"moon"*'),
        (["a", "moon", "a"], '"a" "moon" "a"*'),
        (["a", "a", "b", "a", "b", "a"], '"a" "b" "a"*'),
    ],
)
def test_a_repeated_word_is_looked_up_once_and_as_the_unfinished_last_one(words, bound):
    assert search_index.bind_words(words)["words"] == bound


def test_every_director_is_found_however_many_there_are(add_movie):
    directors = [f"{number} " + "\ufdfa" * 190 for number in range(50)]
    _, (_, _, _, text, _) = indexed(add_movie(directors=directors))
    assert {str(number) for number in range(50)} <= set(text.split())
    assert len(text) <= 50 * 501
