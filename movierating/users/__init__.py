"""Sign-up, profiles, what a user rated, administration."""
