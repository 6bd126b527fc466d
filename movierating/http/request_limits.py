"""Requests whose bodies are bounded in size."""

import flask
from flask import current_app

from movierating.storage import storage_errors


class Request(flask.Request):
    """A request with a size limit for its kind of body."""

    @property
    def mimetype(self) -> str:
        """Return Werkzeug's value, without parsing the most common header."""
        content_type: str = self.environ.get("CONTENT_TYPE", "")
        return content_type if content_type == "application/json" else super().mimetype

    @property
    def max_content_length(self) -> int | None:
        """Return the size limit of the body in bytes; uploads have a limit of their own."""
        name = "MAX_UPLOAD_BYTES" if self.mimetype == "multipart/form-data" else "MAX_JSON_BYTES"
        limit: int = current_app.config[name]
        # Werkzeug silently truncates a body without a length at the limit; one more byte shows that it was longer.
        return limit if self.content_length is not None else limit + 1

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        raise AttributeError("set MAX_JSON_BYTES or MAX_UPLOAD_BYTES instead")

    def _load_form_data(self) -> None:
        """Parse the form; large files go to disk. Raise InsufficientStorage or Unavailable if that fails."""
        try:
            super()._load_form_data()
        except OSError as error:
            raise storage_errors.from_os_error(error) from error
