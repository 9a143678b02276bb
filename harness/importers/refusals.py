"""Why a response holds no usable code, in a sentence for the report."""

from __future__ import annotations

import re

from harness.importers.markdown import Block, read_blocks
from harness.importers.sources import read_source

_REFUSAL = re.compile(r"\b(?:I(?:'m| am) (?:sorry|unable|not able)|I (?:can(?:'|no)t|cannot|won't|will not)|as an AI)\b", re.IGNORECASE)
_OTHER_LANGUAGES = {
    "typescript": "TypeScript",
    "ts": "TypeScript",
    "javascript": "JavaScript",
    "js": "JavaScript",
    "hcl": "Terraform HCL",
    "terraform": "Terraform HCL",
    "tf": "Terraform HCL",
    "go": "Go",
    "java": "Java",
    "csharp": "C#",
    "yaml": "YAML",
    "yml": "YAML",
}
_OTHER_PLATFORMS = {"aws_cdk": "AWS CDK", "pulumi": "Pulumi", "pulumi_aws": "Pulumi", "troposphere": "troposphere"}
MAX_PLACEHOLDER = 400
MAX_QUOTE = 120


def why_unusable(text: str) -> str:
    """One sentence without a full stop, such as "it describes the solution without any code"."""
    blocks = read_blocks(text)
    python = [block for block in blocks if block.is_python]
    if not text.strip():
        return "it is empty"
    if not python and _REFUSAL.search(text[:600]):
        return f"it refuses: {_quote(text)}"
    if python:
        return _of_python(python)
    others = sorted({_OTHER_LANGUAGES[block.language] for block in blocks if block.language in _OTHER_LANGUAGES})
    if others:
        return f"its code is {' and '.join(others)}, not CDKTF in Python"
    if not blocks and len(text.strip()) <= MAX_PLACEHOLDER:
        return f"it is only a remark: {_quote(text)}"
    return "it describes the solution without any code"


def _of_python(blocks: list[Block]) -> str:
    modules = {one.module.partition(".")[0] for block in blocks for one in read_source(block.text).imports}
    others = sorted({_OTHER_PLATFORMS[module] for module in modules if module in _OTHER_PLATFORMS})
    if others:
        return f"its Python code is for {' and '.join(others)}, not for CDKTF"
    return "its Python blocks are no CDKTF program"


def _quote(text: str) -> str:
    """The first sentence, shortened, in quotation marks; without marks that would end the sentence around it."""
    plain = re.sub(r"\s+", " ", re.sub(r"[#*`]+", "", text)).strip()
    first = re.split(r"(?<=[.!?])\s", plain, maxsplit=1)[0].rstrip(".!?")
    return f'"{first[:MAX_QUOTE]}"'
