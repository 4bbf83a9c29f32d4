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
