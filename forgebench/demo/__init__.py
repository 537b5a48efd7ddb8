"""The whole story on bundled photographs."""

from forgebench.demo.run import PHOTOS, run_demo

__all__ = ["PHOTOS", "run_demo"]
