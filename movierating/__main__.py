"""`python -m movierating` is the command `movierating`."""

from movierating.cli import main

main()
