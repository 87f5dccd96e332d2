"""Helpers of the build, the tests and nox. They never travel with a download."""
