"""Typed tables without behaviour, one file per area; importing this knows them all."""

from storage.tables.base import Table
from storage.tables.hours import Clock, Done, Entry
from storage.tables.payout import (
    Adjustment,
    Approval,
    Payment,
    Price,
    PublishedLine,
    PublishedStatement,
    TakeBack,
)
from storage.tables.people import Helper, Person, Vouch
from storage.tables.policy import Meta, PolicyVersion
from storage.tables.posts import Post
from storage.tables.record import Claim, Confirmation, Opening, RecordRow
from storage.tables.rounds import ActDone, Decline, Round

__all__ = [
    "ActDone",
    "Adjustment",
    "Approval",
    "Claim",
    "Clock",
    "Confirmation",
    "Decline",
    "Done",
    "Entry",
    "Helper",
    "Meta",
    "Opening",
    "Payment",
    "Person",
    "PolicyVersion",
    "Post",
    "Price",
    "PublishedLine",
    "PublishedStatement",
    "RecordRow",
    "Round",
    "Table",
    "TakeBack",
    "Vouch",
]
