"""The command line `movierating`: one module per group of commands.

May import every other folder, but the application only inside a command, so that `--help` does not wait for it.
Public modules: `main`. Begin with `main.py`, then `application.py` (the application context of a command).
"""
