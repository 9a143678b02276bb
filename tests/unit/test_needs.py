"""What belongs together: edits that one program could not do without each other."""

from __future__ import annotations

import json

from harness.edits import count_statements
from harness.fixes import Comparison, compare
from harness.results import FixRecord
from harness.tree import Tree
from harness.variants import make_variant


def tree(**files: str) -> Tree:
    return Tree({path.replace("__", "/").replace("_py", ".py").replace("_json", ".json"): text.encode() for path, text in files.items()})


def fix_with(comparison: Comparison, part: str) -> str:
    return next(fix for fix in comparison.fixes if any(part in edit.ideal_part or part in edit.response_part for edit in comparison.edits_of(fix)))


def test_the_app_and_its_program_come_together() -> None:
    settings = {name: json.dumps({"app": f"python {name}.py"}) for name in ("main", "tap")}
    comparison = compare(
        tree(cdktf_json=settings["main"], main_py="run(1)\nx = 2\n"), tree(cdktf_json=settings["tap"], tap_py="from lib import other\nother()\n")
    )
    assert fix_with(comparison, "from lib import other") in comparison.with_needs([fix_with(comparison, "python tap.py")])
    assert fix_with(comparison, "python tap.py") in comparison.with_needs([fix_with(comparison, "run(1)")])


def test_code_that_newly_names_a_file_needs_it() -> None:
    response = tree(tap_py="asset(path='x.zip')\n")
    ideal = Tree({**tree(tap_py="asset(path='handlers/enrich')\n").files, "handlers/enrich/index.py": b"def handler(): ...\n"})
    comparison = compare(response, ideal)
    assert len(comparison.fixes) == 1


def test_a_keyword_that_got_another_name_is_one_edit() -> None:
    comparison = compare(tree(a_py="group(self, 'g', subnet_group_name='x', on=1)\n"), tree(a_py="group(self, 'g', name='y', on=1)\n"))
    assert [(edit.response_part, edit.ideal_part) for edit in comparison.edits] == [("subnet_group_name='x'", "name='y'")]
    comparison = compare(tree(a_py="policy(self, 'p', min_length=16, on=1)\n"), tree(a_py="policy(self, 'p', minimum_password_length=16, on=1)\n"))
    assert [(edit.response_part, edit.ideal_part) for edit in comparison.edits] == [("min_length=16", "minimum_password_length=16")]
    comparison = compare(tree(a_py="policy(self, 'p', acl=True)\n"), tree(a_py="policy(self, 'p', versioned=True)\n"))
    assert len(comparison.edits) == 2


def test_a_name_that_becomes_another_thing_changes_with_its_uses() -> None:
    response = "class N(B):\n    def __init__(self, scope, id_):\n        zones = Data(self, 'zones')\n        use(zones.names, size=1)\n"
    ideal = "class N(B):\n    def __init__(self, scope, id_, zones):\n        use(zones, size=2)\n"
    comparison = compare(tree(a_py=response), tree(a_py=ideal))
    together = comparison.edits_of(fix_with(comparison, "zones.names"))
    assert {"Data" in edit.response_part for edit in together} == {True, False}
    assert any(edit.ideal_part.strip() == "zones" for edit in together)
    assert len(comparison.edits_of(fix_with(comparison, "size=2"))) == 1


def test_an_import_is_not_dropped_before_its_last_use() -> None:
    comparison = compare(tree(a_py="import json\n\nf(json.dumps({}), a=1)\n"), tree(a_py="f('{}', a=1)\n"))
    fix = fix_with(comparison, "import json")
    assert "json" not in make_variant(comparison, comparison.with_needs([fix])).tree.text("a.py")


def test_a_construct_id_is_given_free_before_it_is_taken() -> None:
    response = "class S(T):\n    def __init__(self):\n        old = Bucket(self, 'data')\n"
    ideal = "class S(T):\n    def __init__(self):\n        made(9)\n        self.vault = Vault(self, 'data')\n"
    comparison = compare(tree(a_py=response), tree(a_py=ideal))
    assert fix_with(comparison, "old = Bucket") in comparison.with_needs([fix_with(comparison, "self.vault")])


def test_a_change_counts_once_and_a_replacement_once() -> None:
    comparison = compare(tree(a_py="f(1, a=1, b=2)\ng(3)\nkept = 1\n"), tree(a_py="f(1, a=2, b=3)\nkept = 1\nother.thing['x'] = 5\n"))
    assert count_statements(comparison.edits) == 2


def test_two_experiments_agree_or_say_how_they_do_not() -> None:
    def agreement(step: int | None, cures: bool, isolation: str) -> str:
        return FixRecord("f", "t", 1, (), (), True, "", step, cures, isolation).agreement

    assert agreement(1, True, "synth") == "agree"
    assert agreement(None, False, "nothing, with all that the walk did not need") == "agree"
    assert agreement(2, True, "nothing") == "walk only"
    assert agreement(2, False, "nothing, with 3 others") == "serves"
    assert agreement(None, False, "validate") == "isolation only"
