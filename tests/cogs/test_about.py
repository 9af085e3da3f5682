"""/help and /about, for everybody by role."""

from __future__ import annotations

from tests.cogs.town import Town


async def test_help_shows_each_person_what_they_can_use(town: Town) -> None:
    await town.configure()
    everybody = await town.press(town.stranger, town.support, "help")
    assert "/round status" in everybody
    assert "Thank the author" in everybody
    assert "/tipjar show" in everybody
    assert "/audit voters" not in everybody
    assert "/tipjar record" not in everybody
    assert "/hours log" in everybody
    assert "/helper add" not in everybody
    assert "/payout approve" not in everybody
    assert "/settings" not in everybody

    assert "/helper add" in await town.press(town.mod, town.support, "help")
    committee = await town.press(town.carol, town.support, "help")
    assert "/payout approve" in committee
    assert "/audit voters" in committee
    assert "/tipjar record" in committee
    admin = await town.press(town.admin, town.support, "help")
    assert "/setup" in admin
    assert "/helper add" in admin
    assert "/payout approve" not in admin


async def test_about_names_version_privacy_and_licence(town: Town) -> None:
    text = await town.press(town.stranger, town.support, "about")
    assert "Stipend 0." in text
    assert "What is stored" in text
    assert "reactions on the board" in text
    assert "Tips are kept without a person." in text
    assert "MIT" in text
