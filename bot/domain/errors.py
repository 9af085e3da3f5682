"""The one way to say no to a person."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - it is an answer, not a failure
    """A request that cannot be carried out; the text is a sentence for the person who asked.

    It says what would be accepted instead. Nothing has been changed when it is raised.
    """


class Kept(Refusal):
    """A refusal after which what the transaction wrote before is kept."""


class Blocked(Kept):
    """A refusal by a two-person rule: the record says when one stopped somebody."""


class Repeated(Exception):  # noqa: N818 - nothing went wrong
    """The same interaction arrived a second time; it has already been carried out."""
