"""The bundled movies, shipped inside the package as `movierating.seed_data`."""
