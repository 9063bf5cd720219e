"""The tables of resources and grants."""

from resources.models.grant import Grant
from resources.models.recording import Recording
from resources.models.resource import Resource
from resources.models.stream import Stream
from resources.models.streamer import Streamer

__all__ = ["Grant", "Recording", "Resource", "Stream", "Streamer"]
