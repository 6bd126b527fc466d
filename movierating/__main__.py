"""`python -m movierating` is the command `movierating`."""

from movierating.cli.main import main

main()
