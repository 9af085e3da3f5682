"""The commands as people press them, on a simulated Discord."""
