"""Notices that others leave here: that they cite a thing, or offer to review it (Linked Data Notifications)."""
