"""Typed tables without behaviour, one file per area; importing this knows them all."""

from storage.tables.base import Table
from storage.tables.cease import CeaseProposal, CeaseVote, Suspension
from storage.tables.disputes import Carry, Dispute
from storage.tables.hours import Clock, Done, Entry
from storage.tables.leader import Leader
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
from storage.tables.record import Claim, Confirmation, Mirror, Opening, RecordRow
from storage.tables.review import Activity, Opinion
from storage.tables.rounds import ActDone, Decline, Round
from storage.tables.thanks import Board, Inbox, Place, Tally, ThankedMessage, Thanks
from storage.tables.tips import Match, Tip
from storage.tables.wallets import Address, Batch, BatchItem

__all__ = [
    "ActDone",
    "Activity",
    "Address",
    "Adjustment",
    "Approval",
    "Batch",
    "BatchItem",
    "Board",
    "Carry",
    "CeaseProposal",
    "CeaseVote",
    "Claim",
    "Clock",
    "Confirmation",
    "Decline",
    "Dispute",
    "Done",
    "Entry",
    "Helper",
    "Inbox",
    "Leader",
    "Match",
    "Meta",
    "Mirror",
    "Opening",
    "Opinion",
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
    "Suspension",
    "Table",
    "TakeBack",
    "Tally",
    "ThankedMessage",
    "Thanks",
    "Tip",
    "Vouch",
]
