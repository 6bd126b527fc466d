"""The command line `movierating`, one module per group of commands.

May import every other folder, but the application only inside a command, so that help is instant. Other folders import
only `main`. Start with `main.py`; `application.py` opens the application context of a command.
"""
