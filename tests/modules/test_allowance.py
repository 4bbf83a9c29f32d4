from headrace.modules.allowance import Allowance
from support.world import Clock


def test_so_many_per_key_and_minute() -> None:
    clock = Clock(time=600.0)
    allowance = Allowance(2, clock)
    assert [allowance.take("a") for _ in range(3)] == [True, True, False]
    assert allowance.take("b")
    clock.time = 659.9
    assert not allowance.take("a")
    clock.time = 660.0
    assert allowance.take("a")


def test_longer_spans() -> None:
    clock = Clock(time=7_200.0)
    allowance = Allowance(1, clock, seconds=3_600)
    assert [allowance.take("a") for _ in range(2)] == [True, False]
    clock.time = 10_799.0
    assert not allowance.take("a")
    clock.time = 10_800.0
    assert allowance.take("a")
