"""Runs inside the sandbox: evaluates the rules of Rego policies over some documents.

usage: evaluate.py

Reads one JSON object from stdin, `{"policies": [...], "inputs": [document, ...]}`, where a policy is `{"text": ..., "package": ...,
"rules": [name, ...], "modern": whether it is in Rego v1}`. Writes a list with one entry for each policy: `{"error": ...}` where it
cannot be read, else `{"inputs": [...]}` with `{"values": ..., "errors": ...}` for each input, both by rule; a rule that is undefined has no value.
`harness/intent/evaluation.py` is the other end.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import regorus

_ERROR = "error: "


def read(policy: dict[str, Any]) -> regorus.Engine:
    """An engine with the policy. Where a policy cannot be read as what it looks like, the other version of Rego is tried."""
    said: Exception | None = None
    for modern in (policy["modern"], not policy["modern"]):
        engine = regorus.Engine()
        engine.set_rego_v0(not modern)
        try:
            engine.add_policy("policy", policy["text"])
        except Exception as error:
            said = said or error
        else:
            return engine
    assert said
    raise said


def evaluate(policy: dict[str, Any], inputs: list[Any]) -> dict[str, Any]:
    """What the policy's rules give for each input, or why it cannot be read."""
    try:
        engine = read(policy)
    except Exception as error:  # whatever the engine says of a policy that somebody wrote
        return {"error": sentence(error)}
    answers = []
    for document in inputs:
        engine.set_input_json(json.dumps(document))
        values, errors = {}, {}
        for rule in policy["rules"]:
            path = ".".join(["data", *policy["package"], rule])
            try:
                value = value_of(engine, path)
            except Exception as error:
                errors[rule] = sentence(error)
            else:
                values |= {} if value is None else {rule: value}
        answers.append({"values": values, "errors": errors})
    return {"inputs": answers}


def value_of(engine: regorus.Engine, path: str) -> Any:
    """The value of a rule, as JSON has it; None for one that is undefined."""
    try:
        value = engine.eval_rule(path)
    except TypeError:  # a set with members that Python cannot hash
        return json.loads(engine.eval_rule_as_json(path))
    return plain(value)


def plain(value: Any) -> Any:
    """Sets as sorted lists."""
    if isinstance(value, (set, frozenset)):
        return sorted((plain(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True))
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def sentence(error: Exception) -> str:
    """What the engine has to say, without the source and the stack around it."""
    text = str(error).partition("Stack backtrace")[0].strip()
    said = text.rpartition(_ERROR)[2].strip() or text or type(error).__name__
    return " ".join(said.split())[:400]


def main() -> None:
    """Answer once. What the engine prints on the way is no answer."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    request = json.load(sys.stdin)
    json.dump([evaluate(policy, request["inputs"]) for policy in request["policies"]], answers)
    answers.close()


if __name__ == "__main__":
    main()
