"""The page: one file, well-formed, with what the results say."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import pytest

from headrace.bench.errors import BenchError
from headrace.bench.measure import latencies
from headrace.bench.plots import Line, chart, linear, logarithmic, percentiles
from headrace.bench.report import arrange, page, ratio, read
from headrace.bench.tally import Tally


def result(label: str, value: float, *, scenario: str = "chat", good: bool = True, better: str = "more",
           **options: Any) -> dict[str, Any]:
    tally = Tally()
    for i in range(1, 1000):
        tally.record(int(i * 1e6 / (value or 1)))
    samples = [{"second": i / 4, "rate": value, "p50": 1.0, "p99": 2.0, "server_cpu": 0.5, "server_pss": 2**20 * i}
               for i in range(1, 9)]
    return {"schema": 1, "scenario": scenario, "label": label, "unit": "messages",
            "machine": {"cpu": "a CPU", "cores": 2, "kernel": "6"},
            "options": {"users": 10, "tls": "no", "rate": 0.0, **options},
            "figure": {"name": f"{scenario} figure", "value": value, "better": better},
            "latency_ms": latencies(tally), "samples": samples, "left_out": [],
            "checked": {"lost": 0}, "verdict": {"good": good, "reasons": [] if good else ["<the reason>"], "code": 0}}


def test_medians_and_ratios() -> None:
    cells = arrange([result("a", 10), result("a", 30), result("a", 20), result("b", 5), result("b", 4, tls="direct")])
    assert list(cells) == ["chat, 10 users", "chat, 10 users, direct"]
    plain = cells["chat, 10 users"]
    assert (plain["a"].value, plain["a"].typical["figure"]["value"]) == (20, 20)
    assert ratio(plain["b"], plain["a"]) == 0.25
    idle = arrange([result("a", 10, better="less"), result("b", 40, better="less")])["chat, 10 users"]
    assert ratio(idle["b"], idle["a"]) == 0.25


def test_the_page_is_one_file() -> None:
    text = page([result("a & b", 10), result("c", 20, good=False)], "<title>")
    assert "http" not in text.replace("http-equiv", "")
    assert "<script" not in text
    assert not re.search(r'(?:src|href)=', text)
    assert "a &amp; b" in text
    assert "&lt;the reason&gt;" in text
    assert "2.00x" in text
    charts = re.findall(r"<svg.*?</svg>", text)
    assert len(charts) == 3
    for each in charts:
        assert len(ET.fromstring(each).findall("polyline")) == 2


def test_what_a_server_lacks_is_said() -> None:
    absent = result("c", 0.0)
    absent["figure"]["missing"] = "not offered"
    text = page([result("a", 10), absent])
    assert "<small>not offered</small>" in text
    assert "0.00x" not in text


def test_results_come_alone_or_together(tmp_path: Path) -> None:
    one, many = tmp_path / "one.json", tmp_path / "many.json"
    one.write_bytes(orjson.dumps(result("a", 1)))
    many.write_bytes(orjson.dumps({"results": [result("b", 1), result("c", 1)]}))
    assert [each["label"] for each in read([one, many])] == ["a", "b", "c"]


@pytest.mark.parametrize(("content", "words"), [(b"{", "not JSON"), (b"{}", "not a result"), (b"[1]", "not a result"),
                                                (b'{"schema": 99}', "another version"), (None, "No such file")])
def test_a_file_that_is_no_result(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "x.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BenchError, match=words):
        read([file])


@pytest.mark.parametrize("high", [0.0, 0.3, 1.0, 7.0, 99.0, 1234.0, 5e6])
def test_axes_hold_their_values(high: float) -> None:
    axis = linear([high])
    assert axis.low == 0
    assert axis.high >= high
    assert 2 <= len(axis.ticks) <= 7
    assert axis.place(axis.high) == 1


def test_axes_of_latencies() -> None:
    axis = logarithmic([0.02, 3.0])
    assert [words for _, words in axis.ticks] == ["0.01", "0.1", "1", "10"]
    assert axis.place(0.1) == pytest.approx(1 / 3)
    nines = percentiles()
    assert nines.place(99) - nines.place(90) == pytest.approx(nines.place(90) - nines.place(0))


def test_a_chart_names_its_lines() -> None:
    drawn = ET.fromstring(chart([Line("a < b", [(0, 0), (1, 1)])], linear([1]), linear([1]), title="<t>", x_name="x",
                                y_name="y"))
    assert drawn.find("figcaption").text == "<t>"      # type: ignore[union-attr]
    assert drawn.find("svg/polyline/title").text == "a < b"     # type: ignore[union-attr]
