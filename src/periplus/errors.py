"""Everything that Periplus raises on purpose.

    PeriplusError
    ├── UsageError            what was asked for cannot be right (exit status 2)
    │   ├── CatalogError      a table of photos breaks its rules
    │   ├── RecordError       a record was made from parts that contradict each other
    │   └── FingerprintError  two embeddings of different encoders were brought together
    ├── CannotRunError        right question, but something is missing here (exit status 3)
    │   ├── MissingExtraError an optional dependency is not installed
    │   ├── GalleryError      a gallery cannot be opened, or not be written
    │   └── EmptyInputError   nothing to work on
    └── PhotoError            one photo cannot be used; never stops a job

A message says what, where, with which value, and what to do next.
"""

from __future__ import annotations


class PeriplusError(Exception):
    """Base of every error raised on purpose."""

    exit_status = 1


class UsageError(PeriplusError):
    """What was asked for cannot be right."""

    exit_status = 2


class CatalogError(UsageError):
    """A table of photos breaks its rules."""


class RecordError(UsageError):
    """A record was made from parts that contradict each other."""


class FingerprintError(UsageError):
    """Two embeddings of different encoders were brought together."""


class CannotRunError(PeriplusError):
    """The question is right, but something it needs is missing here."""

    exit_status = 3


class MissingExtraError(CannotRunError):
    """An optional dependency is not installed.

    Args:
        what: what needs it, as a user would say it.
        extra: the extra of this distribution that brings it.
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional package. Install it with: pip install 'periplus[{extra}]'")


class GalleryError(CannotRunError):
    """A gallery cannot be opened, or not be written."""


class EmptyInputError(CannotRunError):
    """There is nothing to work on."""


class PhotoError(PeriplusError):
    """One photo cannot be used.

    Args:
        path: the file.
        kind: a short stable word for counting, such as ``"damaged"`` or ``"too-large"``.
        reason: a sentence for people.
    """

    def __init__(self, path: object, kind: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = str(path)
        self.kind = kind
        self.reason = reason

    def __reduce__(self) -> tuple[type[PhotoError], tuple[str, str, str]]:
        """Let the error cross process borders with its parts."""
        return (PhotoError, (self.path, self.kind, self.reason))
