from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics import (
    Change,
    difference,
    estimate,
    median,
    newcombe,
    rate,
    strength,
    top_marks,
    wilson,
    z_score,
)

SHARES = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_the_normal_quantile_of_95_percent() -> None:
    assert z_score() == pytest.approx(1.959963984540054, abs=1e-12)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_values_newcombe_published(successes: int, n: int, low: float, high: float) -> None:
    """Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3."""
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("new", "old", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_difference_has_the_interval_newcombe_published(
    new: tuple[int, int], old: tuple[int, int], low: float, high: float
) -> None:
    """Newcombe 1998, "Interval estimation for the difference between independent proportions", table II, method 10."""
    found = newcombe(new, old)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("n", "covered"), [(10, 0.930), (30, 0.974)])
def test_wilson_covers_small_samples(n: int, covered: float) -> None:
    """The exact probability that the interval holds a true share of 90 %; the usual interval reaches 65 % at n = 10."""
    hits = [x for x in range(n + 1) if wilson(x, n).low <= 0.9 <= wilson(x, n).high]
    assert sum(comb(n, x) * 0.9**x * 0.1 ** (n - x) for x in hits) == pytest.approx(covered, abs=5e-4)


@settings(deadline=None)
@given(SHARES)
def test_the_interval_holds_the_share_and_is_symmetric_in_its_complement(share: tuple[int, int]) -> None:
    successes, n = share
    found, other = wilson(successes, n), wilson(n - successes, n)
    assert 0 <= found.low <= successes / n <= found.high <= 1
    assert (found.low, found.high) == pytest.approx((1 - other.high, 1 - other.low), abs=1e-12)


@settings(deadline=None)
@given(SHARES, SHARES)
def test_a_difference_turned_round_is_its_negative(one: tuple[int, int], other: tuple[int, int]) -> None:
    there, back = newcombe(one, other), newcombe(other, one)
    assert there == pytest.approx((-back.difference, -back.high, -back.low), abs=1e-12)
    assert -1 - 1e-12 <= there.low <= there.difference <= there.high <= 1 + 1e-12


def test_nothing_is_known_without_answers() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert estimate(0, 0) is None
    assert newcombe((3, 4), (0, 0)) == Change(0.0, -1.0, 1.0)
    assert rate(3, 0) is None
    assert median({}) is None


@pytest.mark.parametrize(("successes", "n"), [(-1, 4), (5, 4)])
def test_more_successes_than_answers_is_a_mistake(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"{successes} of {n}"):
        wilson(successes, n)


@pytest.mark.parametrize(
    ("new", "old", "direction"),
    [((80, 100), (60, 100), "up"), ((60, 100), (80, 100), "down"), ((62, 100), (60, 100), "none")],
)
def test_a_change_counts_only_beyond_chance(new: tuple[int, int], old: tuple[int, int], direction: str) -> None:
    now, then = estimate(*new), estimate(*old)
    assert now is not None
    assert then is not None
    assert difference(now, then).direction == direction


@pytest.mark.parametrize(
    ("n", "words"), [(0, "none"), (1, "few"), (9, "few"), (10, "indication"), (29, "indication"), (30, "solid")]
)
def test_how_far_a_sample_carries(n: int, words: str) -> None:
    assert strength(n) == words


def test_satisfied_are_the_top_two_of_five() -> None:
    assert top_marks() == {4, 5}
    assert [len(top_marks(highest)) for highest in (2, 3, 4, 5, 7, 10)] == [1, 1, 1, 2, 2, 4]


@settings(deadline=None)
@given(st.dictionaries(st.integers(-50, 50), st.integers(0, 5)))
def test_the_median_is_that_of_the_values_written_out(counts: dict[int, int]) -> None:
    values = sorted(value for value, count in counts.items() for _ in range(count))
    half = len(values) // 2
    expected = None if not values else (values[half] + values[-half - 1]) / 2
    assert median({float(value): count for value, count in counts.items()}) == expected


def test_a_rate_never_passes_one() -> None:
    assert rate(3, 4) == 0.75
    assert rate(5, 4) == 1.0
