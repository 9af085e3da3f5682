"""The rules: pure functions over ids, integers and aware datetimes; no clock, no I/O."""
