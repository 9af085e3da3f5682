"""The guided first run: what is set, what is missing, and which permission is missing where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import discord
from msgspec import Struct

from bot.domain.policy import REQUIRED, SETTINGS, value_of
from bot.ui.overviews import setting_value
from bot.ui.text import bullets

COLOUR = discord.Colour.from_str("#2f6f6b")
PLACES = ("support_channel", "committee_channel")
PEOPLE = ("moderator_role", "committee_role")
MONEY = ("currency", "cap", "hourly_rate")
ZONES = (
    "UTC", "America/Los_Angeles", "America/Denver", "America/Chicago", "America/New_York",
    "America/Sao_Paulo", "Atlantic/Azores", "Europe/London", "Europe/Lisbon", "Europe/Berlin",
    "Europe/Paris", "Europe/Athens", "Europe/Istanbul", "Africa/Lagos", "Africa/Johannesburg",
    "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Bangkok", "Asia/Singapore",
    "Asia/Shanghai", "Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland",
)  # fmt: skip
SUPPORT_NEEDS = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "embed_links": "Embed Links",
    "attach_files": "Attach Files",
    "read_message_history": "Read Message History",
    "add_reactions": "Add Reactions",
    "create_public_threads": "Create Public Threads",
    "send_messages_in_threads": "Send Messages in Threads",
    "manage_threads": "Manage Threads",
    "pin_messages": "Pin Messages",
}
OTHER_NEEDS = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "embed_links": "Embed Links",
    "attach_files": "Attach Files",
}


class Lack(Struct, frozen=True):
    """A channel or role of the settings with what the bot lacks there."""

    setting: str
    what: str


def lacks(
    document: Mapping[str, str],
    *,
    channels: Mapping[int, object],
    roles: Mapping[int, discord.Role],
    me: discord.Member,
) -> list[Lack]:
    """Return which permission is missing where, and what was deleted meanwhile."""
    found = []
    for name in ("support_channel", "committee_channel", "log_channel"):
        value = value_of(document, name)
        if not value:
            continue
        channel = channels.get(int(value))
        if not isinstance(channel, discord.TextChannel):
            found.append(Lack(name, "the channel is not there any more; choose another"))
            continue
        needs = SUPPORT_NEEDS if name == "support_channel" else OTHER_NEEDS
        has = channel.permissions_for(me)
        missing = [words for flag, words in needs.items() if not getattr(has, flag)]
        if missing:
            found.append(Lack(name, f"missing in <#{channel.id}>: {', '.join(missing)}"))
    return [*found, *_role_lacks(document, roles, me)]


def _role_lacks(
    document: Mapping[str, str], roles: Mapping[int, discord.Role], me: discord.Member
) -> list[Lack]:
    found = []
    for name in ("moderator_role", "committee_role", "helper_role"):
        value = value_of(document, name)
        if value and int(value) not in roles:
            found.append(Lack(name, "the role is not there any more; choose another"))
    helper_role = roles.get(int(value_of(document, "helper_role") or 0))
    if helper_role is not None:
        if not me.guild_permissions.manage_roles:
            found.append(Lack("helper_role", "missing in the server: Manage Roles"))
        elif me.top_role <= helper_role:
            found.append(Lack("helper_role", "the bot's own role must stand above it"))
    return found


def overview(
    document: Mapping[str, str], lacking: Sequence[Lack], *, step: int, open_label: str | None
) -> discord.Embed:
    """Return what is set and what is missing, with the present step and the round under way."""
    names = (*PLACES, *PEOPLE, "timezone", *MONEY)
    done = sum(bool(value_of(document, name)) for name in names)
    lines = []
    for name in names:
        value = value_of(document, name)
        mark = "\N{WHITE HEAVY CHECK MARK}" if value else "\N{WHITE SQUARE BUTTON}"
        needed = "" if value or name not in REQUIRED else " (needed)"
        lines.append(
            f"{mark} **{name}**: {setting_value(name, value)}{needed} · {SETTINGS[name].meaning}"
        )
    embed = discord.Embed(
        title=f"Setup, step {step} of {len(STEPS)}: {STEPS[step - 1]}",
        description="\n".join(lines),
        colour=COLOUR,
    )
    if lacking:
        text = bullets([f"`{lack.setting}`: {lack.what}" for lack in lacking], most=9)
        embed.add_field(name="To fix", value=text, inline=False)
    missing = [name for name in REQUIRED if not value_of(document, name)]
    if missing:
        following = f"Still needed: {', '.join(f'`{name}`' for name in missing)}."
    elif open_label:
        following = f"{open_label} is open and keeps its rules; changes count from the next round."
    else:
        following = (
            "Everything needed is set. Next: somebody of the committee uses `/round open`; "
            "`/helper add` and `/helper join` fill the roster."
        )
    embed.add_field(name="What next", value=following, inline=False)
    embed.set_footer(
        text=f"{done} of {len(names)} set. Every choice is kept at once: leave and come back with "
        "/setup. /settings has everything else."
    )
    return embed


STEPS = ("channels and roles", "time zone and money")
