"""Optional packages: there, or an error that says how to get them."""

from __future__ import annotations

import importlib.util

from periplus.errors import MissingExtraError


def require_packages(what: str, extra: str, *packages: str) -> None:
    """Make sure that packages can be imported.

    Args:
        what: what needs them, as a user would say it.
        extra: the extra of this distribution that brings them.
        packages: top-level names.

    Raises:
        MissingExtraError: one is not installed.
    """
    if not all(has_package(package) for package in packages):
        raise MissingExtraError(what, extra)


def has_package(name: str) -> bool:
    """Whether a package can be imported, without importing it."""
    return importlib.util.find_spec(name) is not None
