"""Helpers of the build, the tests and nox. They never travel with a download.

For Sphinx this package is one extension, made of the parts that `setup` names.
"""


def setup(app):
    """Set up every part of the site; nothing is imported before Sphinx asks."""
    for part in ("gallery", "icons", "show", "site", "tables"):
        app.setup_extension(f"_helpers.{part}")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
