"""What all tests of the reference SFU share."""

from hypothesis import settings

# The first example of a compiled function compiles it.
settings.register_profile("compiled", deadline=None)
settings.load_profile("compiled")
