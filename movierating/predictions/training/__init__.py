"""Training of the model of predicted ratings: the only package that imports numpy.

It runs in a process of its own (`python -m movierating.predictions.training`), and nothing else imports it: a worker
would need 20-45 MB more memory with numpy. May import `predictions` and what is below it. Begin with `fitting.train`.
Public modules: `data`, `fitting`.
"""
