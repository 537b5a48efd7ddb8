"""The small benchmark."""

from small import scene_fixture

__all__ = ["scene_fixture"]
