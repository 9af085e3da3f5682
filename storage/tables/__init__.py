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
from storage.tables.people import Helper, Person, Proposal, Vouch
from storage.tables.policy import Meta, PolicyVersion
from storage.tables.posts import Post
from storage.tables.record import Claim, Confirmation, Opening, RecordRow
from storage.tables.rounds import ActDone, Decline, Round
from storage.tables.thanks import Board, Inbox, Place, Tally, ThankedMessage, Thanks
from storage.tables.tips import Match, Tip

__all__ = [
    "ActDone",
    "Adjustment",
    "Approval",
    "Board",
    "Claim",
    "Clock",
    "Confirmation",
    "Decline",
    "Done",
    "Entry",
    "Helper",
    "Inbox",
    "Match",
    "Meta",
    "Opening",
    "Payment",
    "Person",
    "Place",
    "PolicyVersion",
    "Post",
    "Price",
    "Proposal",
    "PublishedLine",
    "PublishedStatement",
    "RecordRow",
    "Round",
    "Table",
    "TakeBack",
    "Tally",
    "ThankedMessage",
    "Thanks",
    "Tip",
    "Vouch",
]
