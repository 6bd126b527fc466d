"""Predicted ratings, recommendations and taste matches: the model, and the mathematics of using it without numpy.

May import `users` and everything below it; the mathematics imports nothing of that. Begin with `model_file` (what a
trained model contains), then `fold_in` (a user's taste from their ratings) and `prediction`. `training` fits a model
with numpy in a process of its own; nothing else imports numpy or `training`.

Ratings are in points everywhere, from 0.5 to 10, and variances in square points.
Public modules: `routes`, `schemas`, `service`, `recommendations`, `taste_matches`, `tastes`, `model_store`,
`training_status`, `model_file`, `features`, `fold_in`, `prediction`, `ranking`, `nearest_people`.
"""
