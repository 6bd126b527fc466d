"""Numbers in messages."""


def format_count(number: int, noun: str) -> str:
    """Return a number with the noun, such as `1 movie` or `2 movies`."""
    return f"{number} {noun if number == 1 else f'{noun}s'}"
