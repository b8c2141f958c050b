"""Changes as they come: server-sent events for pages and programs, and webhooks for other servers."""
