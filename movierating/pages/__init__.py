"""The web pages: rendered by the server from the services that the API uses, working without JavaScript.

May import `users` and everything below it. Begin with `blueprint.py` (what all pages share), then `chart.py`.
A view loads a form or query with a schema of the API, calls a service, and renders a template.
`registration.py` lists the modules of all pages. Public modules: `registration`.
"""
