"""Stipend: a community tracks and pays the people who support it."""

__version__ = "0.1.0"
