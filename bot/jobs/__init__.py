"""What the bot does by itself: the tick, and saying what waits in the outbox."""
