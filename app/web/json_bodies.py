"""JSON that is sent: refused where no database could keep it, or where it is nested beyond reading."""

import json
from typing import Any

from flask.json.provider import DefaultJSONProvider


class JsonBodies(DefaultJSONProvider):
    """As Flask reads and writes JSON. What cannot be read is answered 400."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Raises ValueError, also for half of a surrogate pair (RFC 8259, section 8.2)."""
        try:
            value = super().loads(s, **kwargs)
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
        text = s if isinstance(s, bytes) else s.encode("utf-8", "surrogatepass")
        if b"\\ud" in text or b"\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode()  # UnicodeEncodeError is a ValueError
        return value
