"""Paths and files of imports and exports in tests."""

import io
import zipfile

IMPORT, EXPORT = "/v1/users/me/ratings/import", "/v1/users/me/ratings/export"
FILE = "imdb_id,value,rated_at\ntt0113277,8.5,2024-01-15T10:30:00Z\n"


def zip_files(files):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def zipped(name, data):
    return zip_files({name: data})
