"""Values that machines and people propose for the terms of a record, and what their acceptance does to it."""
