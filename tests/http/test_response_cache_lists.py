"""A stored page of movies is returned until a rating changes it, and never after."""

import random

import pytest

TITLES = ["Alien", "Alien Covenant", "Brazil", "Casablanca", "Dune", "Eraserhead", "Fargo", "Gravity"]
SORTS = ["-score", "-mean", "-count", "title", "-year", "-created_at"]


@pytest.fixture
def movies(add_movie):
    """Ids of movies, in the order of TITLES; the odd ones are dramas."""
    return [
        add_movie(title=title, year=1970 + number, genres=["Drama"] if number % 2 else ["Comedy"])
        for number, title in enumerate(TITLES)
    ]


@pytest.fixture
def people(sign_up):
    return [sign_up() for _ in range(3)]


def rate(person, movie, value):
    assert person.put(f"/v1/movies/{movie}/rating", json={"value": value}).status_code in (200, 201)


def list_addresses(client):
    """Return first and second pages of many lists."""
    filters = ["", "&genre=Drama", "&min_count=1", "&min_score=6.5", "&q=alien"]
    first = [f"/v1/movies?limit=3&sort={sort}{query}" for sort in SORTS for query in filters]
    first += ["/v1/movies?q=a&limit=2", "/v1/movies?q=alien&limit=1", "/movies?sort=-count"]
    links = [client.get(address).json.get("next_cursor") for address in first if address.startswith("/v1")]
    return [
        *first,
        *(f"{address}&cursor={link}" for address, link in zip(first, links, strict=False) if link),
    ]


def change_rating(rng, movies, people):
    """Set or delete a rating, or set two at once."""
    movie, person = rng.choice(movies), rng.choice(people)
    match rng.choice(["set", "set", "delete", "batch"]):
        case "set":
            rate(person, movie, rng.randint(1, 20) / 2)
        case "delete":
            assert person.delete(f"/v1/movies/{movie}/rating").status_code in (204, 404)
        case "batch":
            ratings = [{"movie_id": each, "value": rng.randint(1, 20) / 2} for each in rng.sample(movies, 2)]
            assert person.post("/v1/users/me/ratings", json={"ratings": ratings}).status_code == 200


def test_stored_page_equals_one_that_is_made_anew(client, movies, people):
    rng = random.Random(1)
    addresses = list_addresses(client)
    for _ in range(25):
        change_rating(rng, movies, people)
        stored = {address: client.get(address).data for address in addresses}
        # An `Origin` keeps a request from the cache.
        made = {
            address: client.get(address, headers={"Origin": "http://films.example"}).data
            for address in addresses
        }
        assert stored == made


OTHER_MOVIES_RATED = [
    ("/v1/movies?sort=-score&limit=2", 7, 5),
    ("/v1/movies?sort=-mean&limit=2", 7, 5),
    ("/v1/movies?sort=-count&limit=2", 7, 5),
    ("/v1/movies?sort=title&limit=2", 7, 10),
    ("/v1/movies?sort=-year&limit=2", 0, 10),
    ("/v1/movies?genre=Drama&q=alien", 7, 10),
    ("/v1/movies?q=alien", 7, 10),
    ("/v1/movies?q=alien&limit=1", 7, 10),
    ("/movies?q=alien", 7, 10),
]


@pytest.mark.sqlite
@pytest.mark.parametrize(("address", "number", "value"), OTHER_MOVIES_RATED)
def test_rating_that_does_not_change_a_page_keeps_it(client, handled, movies, people, address, number, value):
    for person in people[:2]:
        rate(person, movies[0], 9)
        rate(person, movies[1], 9)
    client.get(address)
    handled.clear()
    rate(people[2], movies[number], value)
    client.get(address)
    assert handled == []
