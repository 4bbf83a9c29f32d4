"""Who waits for an answer is not forgotten."""

from headrace.modules.questions import PATIENCE, Questions
from support.world import Clock


def test_the_oldest_make_room() -> None:
    clock = Clock()
    questions = Questions[str](clock, 2)
    assert questions.add("1", "a") == questions.add("2", "b") == []
    assert questions.add("3", "c") == ["a"]
    assert (questions.get("1"), questions.get("2"), questions.get("3")) == (None, "b", "c")
    assert questions.pop("2") == "b"
    assert questions.add("4", "d") == []


def test_they_do_not_wait_for_ever() -> None:
    clock = Clock()
    questions = Questions[str](clock, 10)
    questions.add("1", "a")
    clock.time += PATIENCE / 2
    questions.add("2", "b")
    clock.time += PATIENCE / 2 + 1
    assert questions.add("3", "c") == ["a"]
    clock.time += PATIENCE + 1
    assert questions.add("4", "d") == ["b", "c"]


def test_some_of_them() -> None:
    questions = Questions[str](Clock(), 10)
    for id in "123":
        questions.add(id, f"q{id}")
    assert questions.pop_all(lambda question: question != "q2") == ["q1", "q3"]
    assert (questions.get("1"), questions.get("2")) == (None, "q2")
