"""The four processes (web, worker, relay, command line), their composition, and the web pages."""
