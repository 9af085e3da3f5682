"""The verbs: refuse, compute, write, append the record row, return what the reply needs."""
