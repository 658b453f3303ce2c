import pytest

from results.records import Run
from tests.results.sample_run import make_run


@pytest.fixture(scope="session")
def run() -> Run:
    return make_run()
