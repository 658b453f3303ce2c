"""Compiled kernels make their first example slow: no test here is told by its time."""

from hypothesis import settings

settings.register_profile("compiled", deadline=None)
settings.load_profile("compiled")
