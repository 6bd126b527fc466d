import pytest

from movierating.errors import NotFound, PreconditionFailed, PreconditionRequired
from movierating.http import preconditions


def named(app, header):
    headers = {} if header is None else {"If-Match": header}
    with app.test_request_context("/", headers=headers):
        return preconditions.parse_if_match()


@pytest.mark.parametrize(
    ("header", "edits"),
    [
        ('"1-0"', {1}),
        ('"12-345"', {12}),
        ('"12-00ff"', {12}),
        (' "1-0" ', {1}),
        ('"1-0", "3-7"', {1, 3}),
        ('"1-0","1-5"', {1}),
        ('W/"2-0", "3-0"', {2, 3}),
        ('"nonsense", "3-0"', {3}),
        ("*", None),
        (" * ", None),
    ],
)
def test_if_match_returns_edits_or_none_for_a_star(app, header, edits):
    assert named(app, header) == edits


@pytest.mark.parametrize(
    "header",
    [
        "",
        '""',
        '"", ""',
        "1",
        '"-1-0"',
        '"a-b"',
        '"٣-0"',
        '"*"',
        '"1-F"',
        '"1-' + "0" * 33 + '"',
        '"' + "9" * 19 + '-0"',
        "\u0000",
    ],
)
def test_other_etags_match_no_edit(app, header):
    assert named(app, header) == set()


def test_missing_if_match_raises_precondition_required(app):
    with pytest.raises(PreconditionRequired):
        named(app, None)


def movie_at_1(movie_id, edits):
    if movie_id != 7:
        raise NotFound("There is no such movie.")
    if edits is not None and 1 not in edits:
        raise PreconditionFailed("The movie was changed since you read it.")


@pytest.mark.parametrize(
    ("movie_id", "header", "error"),
    [
        (8, None, NotFound),
        (8, '"2-0"', NotFound),
        (7, None, PreconditionRequired),
        (7, '"2-0"', PreconditionFailed),
        (7, 'W/"2-0"', PreconditionFailed),
    ],
)
def test_precondition_is_checked_before_the_operation(app, movie_id, header, error):
    view = preconditions.if_match_required(movie_at_1)(lambda _self, movie_id: pytest.fail("it looked"))
    with (
        app.test_request_context("/", headers={"If-Match": header} if header else {}),
        pytest.raises(error),
    ):
        view(None, movie_id=movie_id)


@pytest.mark.parametrize("header", ["*", '"1-99"', 'W/"1-99"', '"5-0", "1-0"'])
def test_matching_request_reaches_the_operation(app, header):
    view = preconditions.if_match_required(movie_at_1)(lambda _self, movie_id: movie_id)
    with app.test_request_context("/", headers={"If-Match": header}):
        assert view(None, movie_id=7) == 7


def test_if_match_is_documented():
    described = preconditions.if_match_required(movie_at_1)(lambda _self, movie_id: None)._apidoc
    assert [parameter["name"] for parameter in described["arguments"]["parameters"]] == ["If-Match"]
    assert {404, 412, 428} <= described["response"]["responses"].keys()
