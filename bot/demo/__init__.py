"""The demo: the unmodified bot on a simulated Discord, with a season of real figures.

`rocketpool_support_hours.csv` holds minutes of support measured from messages in the Rocket Pool
support channel, all time up to March 2024, as published in the forum thread "Round 10 - GMC call
for retrospective applications" (post 5). `expected_payout` is ours: the exact split at 30.00 USD
an hour under a cap of 18,000.00 USD. People, notes and dates around these figures are invented.
"""
