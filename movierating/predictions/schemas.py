"""Predictions, recommendations and taste matches in requests and responses."""

from typing import Any

import marshmallow as ma

from movierating.http.fields import Timestamp
from movierating.http.responses import make_list_schema
from movierating.movies.query_schemas import ListMoviesQuerySchema
from movierating.movies.schemas import MovieFactsSchema
from movierating.predictions.prediction import COVERAGE, MAX_RATING, MIN_RATING
from movierating.predictions.taste_matches import MAX_NAMED_MOVIES
from movierating.predictions.tastes import MAX_RATINGS, REASONS
from movierating.ratings.schemas import VALUE, UserSummarySchema, make_count


def _make_points_field(example: float, description: str, **kwargs: Any) -> ma.fields.Float:
    metadata = {"example": example, "minimum": MIN_RATING, "maximum": MAX_RATING, "description": description}
    return ma.fields.Float(required=True, metadata=metadata, **kwargs)


def _make_match_field(description: str, **kwargs: Any) -> ma.fields.Float:
    metadata = {"example": 0.42, "minimum": -1, "maximum": 1, "description": description}
    return ma.fields.Float(required=True, metadata=metadata, **kwargs)


def _make_rating_field(description: str) -> ma.fields.Float:
    return ma.fields.Float(required=True, metadata={**VALUE, "description": description})


class _ReasonSchema(ma.Schema):
    """Why there is no prediction."""

    reason = ma.fields.String(
        validate=ma.validate.OneOf(REASONS),
        metadata={
            "example": REASONS[0],
            "description": "Why there is no prediction; absent if there is one. `no_model`: the server has not trained "
            "a model yet, or predictions are off.",
        },
    )
    needed = ma.fields.Integer(
        metadata={
            "example": 3,
            "description": "How many more ratings of yours, or people with ratings, are needed. "
            "It is absent if the other user of a comparison has too few ratings.",
        }
    )


class IntervalSchema(ma.Schema):
    """A predicted rating."""

    value = _make_points_field(8.0, "The expected rating.")
    low = _make_points_field(6.5, "The lower end of the interval. Four of five ratings lie in it.")
    high = _make_points_field(9.5, "The upper end of the interval.")


class ExplainingRatingSchema(ma.Schema):
    """A rating of yours that a prediction follows from."""

    movie = ma.fields.Nested(MovieFactsSchema, required=True)
    value = _make_rating_field("Your rating of this movie.")


class ModelSchema(ma.Schema):
    """The model of a prediction."""

    trained_at = Timestamp(required=True)
    ratings = make_count(100_836, description="The number of ratings that it was trained on.")


class PredictionSchema(_ReasonSchema):
    """How you would rate a movie, or the reason why there is no prediction."""

    value = _make_points_field(8.0, "The expected rating; null if there is a `reason`.", allow_none=True)
    low = _make_points_field(6.5, "The lower end of the interval.", allow_none=True)
    high = _make_points_field(9.5, "The upper end of the interval.", allow_none=True)
    coverage = ma.fields.Float(
        required=True,
        metadata={"example": COVERAGE, "description": "The share of ratings that lie in their interval."},
    )
    because = ma.fields.List(
        ma.fields.Nested(ExplainingRatingSchema),
        required=True,
        metadata={"description": "The ratings of yours with the largest share in the prediction."},
    )
    based_on = make_count(
        166,
        description="The number of your ratings that the prediction is based on: those of movies that the model knows, "
        f"among your newest {MAX_RATINGS:,}. 0 if there is a `reason`.",
    )
    model = ma.fields.Nested(
        ModelSchema,
        required=True,
        allow_none=True,
        metadata={"example": {"trained_at": "2024-01-15T10:30:00Z", "ratings": 100_836}},
    )


class RecommendationSchema(ma.Schema):
    """A movie that you have not rated, and how you would rate it."""

    movie = ma.fields.Nested(MovieFactsSchema, required=True)
    prediction = ma.fields.Nested(IntervalSchema, required=True)


_COMMON = {"description": "The number of movies that both of you rated."}


class TasteMatchSchema(ma.Schema):
    """A user whose taste is like yours."""

    user = ma.fields.Nested(UserSummarySchema, required=True)
    match = _make_match_field("1 if the tastes are the same.")
    common = make_count(37, **_COMMON)


class RatedByBothSchema(ma.Schema):
    """A movie that both of you rated."""

    movie = ma.fields.Nested(MovieFactsSchema, required=True)
    mine = _make_rating_field("Your rating.")
    theirs = _make_rating_field("The other user's rating.")


def _make_movies_field(description: str) -> ma.fields.List[Any]:
    return ma.fields.List(
        ma.fields.Nested(RatedByBothSchema),
        required=True,
        validate=ma.validate.Length(max=MAX_NAMED_MOVIES),
        metadata={"description": description},
    )


class TasteComparisonSchema(_ReasonSchema):
    """How alike your taste and another user's are, or the reason why that is unknown."""

    match = _make_match_field(
        "1 if the tastes are the same, 0 if they have nothing in common or little is known of them; null if there is a "
        "`reason`.",
        allow_none=True,
    )
    common = make_count(37, **_COMMON)
    agree = _make_movies_field("Movies that both of you rated alike, the highest rated first.")
    differ = _make_movies_field("Movies that you rated differently, the largest difference first.")


def _make_page_schema(item: type[ma.Schema]) -> ma.Schema:
    """Return the schema of a page of `item` that may be empty for a reason."""
    page = make_list_schema(item)
    fields = {**page.fields, **_ReasonSchema().fields}
    return ma.Schema.from_dict(fields, name=type(page).__name__)()


RECOMMENDATIONS = _make_page_schema(RecommendationSchema)
TASTE_MATCHES = _make_page_schema(TasteMatchSchema)


RECOMMENDATIONS_QUERY = ListMoviesQuerySchema(
    only=("genre", "year_from", "year_to", "language", "limit", "cursor")
)
