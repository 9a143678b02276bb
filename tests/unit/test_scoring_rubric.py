"""The rubric's file and what is said about a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from harness.errors import UsageError
from harness.failures import Category, Severity
from scoring.rubric import DEFAULT_RUBRIC, load_rubric


def changed(folder: Path, **fields: object) -> Path:
    """A copy of the bundled rubric with some fields replaced; None leaves one out."""
    data = yaml.safe_load(DEFAULT_RUBRIC.read_text(encoding="utf-8")) | fields
    file = folder / "rubric.yaml"
    file.write_text(yaml.safe_dump({name: value for name, value in data.items() if value is not None}, sort_keys=False), encoding="utf-8")
    return file


def test_the_bundled_rubric_says_what_the_design_says() -> None:
    rubric = load_rubric()
    assert rubric.version == "3"
    assert rubric.gate_order == (
        "synth",
        "silent-drop",
        "validate",
        "plan",
        "apply",
        "constraints",
        "intent",
        "architecture",
        "security",
        "tests",
        "types",
        "lint",
        "format",
    )
    assert [rubric.severity_weight[severity] for severity in Severity] == [1.0, 0.5, 0.25, 0.125]
    assert rubric.bands == (("high", 0.6), ("medium", 0.3))
    assert rubric.category_label[Category.CDKTF_API] == "CDKTF API Usage"
    assert set(rubric.gate_order) <= set(rubric.gate_severity) & set(rubric.gate_weight) & set(rubric.gate_category)


def test_a_plugin_s_gate_that_the_rubric_does_not_name_is_medium() -> None:
    assert load_rubric().severity_of("cost") is Severity.MEDIUM


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("budget", None, "budget: is missing"),
        ("budget", 0, "budget: 0 does not fit"),
        ("budget", True, "budget: True does not fit"),
        ("budget", float("nan"), "budget: nan does not fit"),
        ("version", 1, "version: 1 is not a quoted string"),
        ("gate_order", "synth", "gate_order: is not a list"),
        ("gate_order", ["synth", "synth"], "gate_order: names a gate twice"),
        ("gate_severity", {"synth": "fatal"}, "gate_severity.synth: 'fatal' does not fit"),
        ("gate_severity", ["synth"], "gate_severity: is not a mapping"),
        ("severity_weight", {"critical": 1.0}, "severity_weight: says nothing about high, medium, low"),
        ("category_ceiling", {"style": "low"}, "category_ceiling.style: 'low' does not fit"),
        ("bands", {"medium": 0.3, "high": 0.6}, "bands: are not thresholds"),
        ("bands", {}, "bands: are not thresholds"),
        ("wieghts", {}, "wieghts: is not a field"),
    ],
)
def test_a_wrong_field_is_named_with_its_file(tmp_path: Path, field: str, value: object, said: str) -> None:
    file = changed(tmp_path, **{field: value})
    with pytest.raises(UsageError) as caught:
        load_rubric(file)
    assert caught.value.message.startswith(f"{file}: ")
    assert said in caught.value.message


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a: [", b"- 1", b""])
def test_a_file_that_is_no_rubric_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "rubric.yaml"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=r"rubric\.yaml"):
        load_rubric(file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_rubric(tmp_path / "none.yaml")
