"""Accounts of people: who they are, what they may do, their sessions, and the links that let them in."""
