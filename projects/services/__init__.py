"""Every change to projects, by noun."""

from projects.services import admin_mode, members, projects

__all__ = ["admin_mode", "members", "projects"]
