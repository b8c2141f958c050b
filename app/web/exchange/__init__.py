"""Taking annotations along in the files of other programs, and bringing them in: as an API and as pages."""
