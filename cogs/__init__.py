"""What people press and type: parse, one service call, one reply."""
