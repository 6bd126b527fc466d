"""The commands that find and merge movies."""

import select
import signal
import subprocess
import sys
from functools import partial

import pytest

from movierating.movies import merged_movies, service
from movierating.storage.database import write


@pytest.fixture
def pair(add_movie):
    """The ids of two movies that look alike."""
    return add_movie(title="Emma", year=1996), add_movie(title="Emma!", year=1997)


def test_duplicates_lists_pairs_with_their_ratings(command, pair):
    done = command("movies", "duplicates")
    assert (done.exit_code, done.output.splitlines()[1:]) == (0, ["2\tEmma!\t1997\t0\t1\tEmma\t1996\t0"])


def test_duplicates_says_if_there_are_none(command):
    done = command("movies", "duplicates")
    assert (done.exit_code, done.output) == (0, "No movies look alike.\n")


def test_merge_reports_the_movie_that_stays(command, pair, app):
    done = command("movies", "merge", "2", "1", "--yes")
    assert (done.exit_code, done.output) == (0, "Movie 2 is merged into 1, Emma, which has 0 ratings.\n")
    assert service.find_survivor(2) == 1


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (("9", "1"), "There is no movie 9."),
        (("1", "9"), "There is no movie 9."),
        (("1", "1"), "A movie can't be merged into itself."),
        (("0", "1"), "Invalid value for 'MOVIE_ID'"),
        (("abc", "1"), "'abc' is not a valid whole number."),
    ],
)
def test_merge_of_an_invalid_pair_fails_with_one_line(invoke, pair, ids, message):
    done = invoke("movies", "merge", *ids)
    assert done.exit_code in (1, 2)
    assert message in done.output


def test_merge_asks_for_confirmation(invoke, pair):
    question = "Merge Emma! (1997) with 0 ratings into Emma (1996)? [y/N]: "
    refused = invoke("movies", "merge", "2", "1", stdin="n\n")
    assert (refused.exit_code, refused.output) == (1, question + "n\nAborted!\n")
    assert service.find_survivor(2) is None
    accepted = invoke("movies", "merge", "2", "1", stdin="y\n")
    assert (accepted.exit_code, service.find_survivor(2)) == (0, 1)


def test_merge_without_an_answer_names_the_option(invoke, pair):
    done = invoke("movies", "merge", "2", "1", stdin="")
    assert done.exit_code == 2
    assert done.output.endswith("There is no answer on standard input; --yes skips the question.\n")


@pytest.mark.slow
def test_merge_that_is_interrupted_at_the_question_exits_with_130(environ, instance, pair):
    command = [sys.executable, "-m", "movierating", "movies", "merge", "2", "1"]
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environ(instance), **pipes) as process:
        while process.stderr.read(1) != "]":
            pass
        assert process.stderr.read(2) == ": "
        for _ in range(10):
            # Python does not notice a signal between the question and the read of the answer. A further signal, after
            # one that it noticed, would interrupt its end.
            process.send_signal(signal.SIGINT)
            if select.select([process.stderr], [], [], 5)[0]:
                break
        assert process.wait(60) == 130
        assert process.stderr.read().endswith("Interrupted.\n")


@pytest.mark.parametrize(
    ("ids", "other_ids", "warned"),
    [
        ({"imdb_id": "tt1000001"}, {"imdb_id": "tt1000002"}, True),
        ({"imdb_id": "tt1000001", "tmdb_id": 1}, {"tmdb_id": 2}, True),
        ({"wikidata_id": "Q1"}, {"wikidata_id": "Q2"}, True),
        ({"imdb_id": "tt1000001"}, {"tmdb_id": 2}, False),
        ({"wikidata_id": "Q1"}, {"wikidata_id": "Q1"}, False),
    ],
)
def test_merge_warns_about_different_ids(invoke, add_movie, ids, other_ids, warned):
    add_movie(**ids), add_movie(**other_ids)
    output = invoke("movies", "merge", "2", "1", stdin="n\n").output
    assert ("different movies" in output) is warned


def test_repeated_merge_names_the_movie_that_stays(command, invoke, pair, app):
    command("movies", "merge", "2", "1", "--yes")
    done = invoke("movies", "merge", "2", "1", "--yes")
    assert (done.exit_code, done.output) == (1, "Error: Movie 2 was merged into movie 1.\n")


def test_merge_that_another_one_must_precede_fails_with_one_line(invoke, pair, add_movie):
    third_id = add_movie()
    write(partial(merged_movies.record_merge, movie_id=2, into_id=1))
    done = invoke("movies", "merge", "2", str(third_id))
    message = "Error: The movie is being merged into movie 1; finish that merge first.\n"
    assert (done.exit_code, done.output) == (1, message)
