"""Every change to API keys, and letting in whoever has one."""

from api_keys.services import keys, use

__all__ = ["keys", "use"]
