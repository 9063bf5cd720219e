"""The tables of resources and grants."""

from resources.models.device import Device
from resources.models.ends import Input, Push
from resources.models.grant import Grant
from resources.models.recording import Recording
from resources.models.resource import Resource
from resources.models.stream import Stream
from resources.models.stream_session import StreamSession
from resources.models.streamer import Streamer

__all__ = ["Device", "Grant", "Input", "Push", "Recording", "Resource", "Stream", "StreamSession", "Streamer"]
