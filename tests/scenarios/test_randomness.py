import numpy as np
import pytest

from scenarios.randomness import (
    GOLDEN,
    entity_keys,
    mix,
    mix_keys,
    name_hashes,
    stream_key,
    uniforms,
)


def test_the_generator_is_splitmix64() -> None:
    # First outputs of the authors' splitmix64.c from state 0.
    counters = np.arange(1, 4, dtype=np.uint64)
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert mix(counters * GOLDEN).tolist() == expected


def test_a_uniform_is_the_upper_53_bits_and_a_half() -> None:
    keys = np.zeros(1, np.uint64)
    expected = [(x >> 11) + 0.5 for x in (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4)]
    assert (uniforms(keys, np.arange(2)) * 2.0**53).tolist() == expected


def test_keys_stay_what_they_were() -> None:
    # A change here changes every run's outcome.
    assert int(stream_key(1, 0, "a")) == 8121863710818700027
    assert entity_keys(stream_key(1, 0, "a"), ["a"]).tolist() == [5167092889322780139]


@pytest.mark.parametrize("other", [(2, 0, "a"), (1, 1, "a"), (1, 0, "b"), (11, 0, "a")])
def test_seed_replication_and_component_part_streams(other: tuple[int, int, str]) -> None:
    assert stream_key(*other) != stream_key(1, 0, "a")


def test_an_entity_draws_alike_in_any_company() -> None:
    key = stream_key(1, 0, "access rate")
    alone = uniforms(entity_keys(key, ["c2"]))
    among = uniforms(entity_keys(key, ["c1", "c2", "c3"]))
    assert among[1] == alone[0]
    assert len(set(among)) == 3


def test_hashed_names_give_the_same_keys() -> None:
    key, names = stream_key(3, 0, "x"), ["a", "Cà Mau"]
    assert mix_keys(key, name_hashes(names)).tolist() == entity_keys(key, names).tolist()


def test_keys_and_counters_broadcast() -> None:
    keys = entity_keys(stream_key(1, 0, "a"), ["a", "b"])
    table = uniforms(keys[:, None], np.arange(3))
    assert table.shape == (2, 3)
    assert table[1, 2] == uniforms(keys[1], 2) == uniforms(keys, 2)[1]
    assert np.shape(uniforms(keys[1], 2)) == ()


def test_draws_are_uniform_and_uncorrelated() -> None:
    count = 200_000
    draws = uniforms(stream_key(5, 0, "test"), np.arange(count))
    assert abs(draws.mean() - 0.5) < 5 * np.sqrt(1 / 12 / count)
    bins = np.bincount((draws * 100).astype(int), minlength=100)
    chi_square = float(((bins - count / 100) ** 2 / (count / 100)).sum())
    assert 40 < chi_square < 180  # 99 degrees of freedom
    correlation = np.corrcoef(draws[1:], draws[:-1])[0, 1]
    assert abs(correlation) < 5 / np.sqrt(count)
