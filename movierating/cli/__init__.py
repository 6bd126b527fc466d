"""The groups of commands under `movierating`, which import the application only once they run."""
