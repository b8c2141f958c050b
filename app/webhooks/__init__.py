"""Webhooks: events sent to other servers, signed, until they are taken or a day has passed."""
