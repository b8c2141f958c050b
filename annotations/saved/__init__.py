"""Saved questions: each with an address of its own, versions, and a feed of what is new in it."""
