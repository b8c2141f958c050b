"""Discovery over HTTP: what changed, what there is, and where all of it is to be had."""
