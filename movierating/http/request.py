"""Requests: a size limit for each operation, and bodies that are a file."""

from typing import TypeVar

import flask
from flask import current_app
from werkzeug.datastructures import FileStorage
from werkzeug.formparser import default_stream_factory

from movierating.storage import storage_errors

# A body of one of these types may be a file.
FILE_MEDIA_TYPES = (
    *("text/csv", "application/json", "application/xml", "text/xml", "application/zip"),
    "application/octet-stream",
)
_BLOCK_BYTES = 1 << 16


_View = TypeVar("_View")


def accept_files(view: _View) -> _View:
    """Mark a view function whose requests may have MAX_UPLOAD_BYTES. Apply it below the decorator of the route."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view


class Request(flask.Request):
    """A request with a size limit for its operation. If that takes files, the body may be a file instead of a form."""

    @property
    def takes_file(self) -> bool:
        """Return True if the operation takes files, as the attribute `takes_files` of its View or function says."""
        view = current_app.view_functions.get(self.endpoint or "")
        return getattr(getattr(view, "view_class", view), "takes_files", False)

    @property
    def max_content_length(self) -> int | None:
        """Return the size limit of the body in bytes; files have a limit of their own."""
        limit: int = current_app.config["MAX_UPLOAD_BYTES" if self.takes_file else "MAX_JSON_BYTES"]
        # Werkzeug silently truncates a body without a length at the limit; one more byte shows that it was longer.
        return limit if self.content_length is not None else limit + 1

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        raise AttributeError("set MAX_JSON_BYTES or MAX_UPLOAD_BYTES instead")

    def _load_form_data(self) -> None:
        """Parse the form; large files go to disk. Raise InsufficientStorage or Unavailable if that fails."""
        try:
            if self.takes_file and self.mimetype in FILE_MEDIA_TYPES:
                self._load_file()
            else:
                super()._load_form_data()
        except OSError as error:
            raise storage_errors.from_os_error(error) from error

    def _load_file(self) -> None:
        """Set `form` and `files` as for a form with the body as its `file`. Flask closes the files of a request."""
        file = default_stream_factory(self.content_length, self.mimetype, None)
        storage = FileStorage(file, "body", content_type=self.mimetype)
        self.__dict__["form"] = self.parameter_storage_class()
        self.__dict__["files"] = self.parameter_storage_class([("file", storage)])
        # Werkzeug's stream raises 413 if it is read again after as many bytes as the limit allows.
        length = self.content_length
        while (length is None or file.tell() < length) and (block := self.stream.read(_BLOCK_BYTES)):
            file.write(block)
        file.seek(0)
