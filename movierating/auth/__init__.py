"""Who is calling: accounts, sessions, personal tokens, passwords."""
