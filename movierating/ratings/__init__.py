"""Ratings, and the aggregates that follow from them."""
