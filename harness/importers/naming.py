"""Which file a code block says it is: in its fence, its first line, the line above it or its heading."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from harness.importers.markdown import Block

_SUFFIX = r"(?:py|pyi|json|md|txt|sh|bash|ya?ml|toml|cfg|ini|sql|js|mjs|ts|tsx|html|css|tf|tfvars|hcl|tpl|j2|env|csv|go|java|xml|conf|service|Dockerfile)"
_BARE = r"(?:Dockerfile|Pipfile|Makefile|Procfile|\.gitignore|\.dockerignore|\.env(?:\.\w+)?|\.pylintrc|\.flake8)"
_PATH = re.compile(rf"(?<![\w/.@:-])((?:\.{{0,2}}/)?(?:[\w.@-]+/)*(?:[\w.-]*[\w-]\.{_SUFFIX}|{_BARE}))(?![\w/-]|\.\w)")
_TITLE = re.compile(r"""(?:title|file(?:name)?|path|name)\s*=\s*["']?([^"'\s}]+)""")
_LABELLED = re.compile(r"^(?:\d+[.)]\s*)?file(?:\s?name|\s?path)?\s*[:\-–]\s*([\w.-]+(?:/[\w.-]+)+|[\w-]+\.\w+)$", re.IGNORECASE)
_DECORATION = re.compile(r"[*`]{1,3}|^[^\w./*`]+")
_LABEL = re.compile(
    r"^(?:step\s+)?\d*(?:\.\d+)*[.):]?\s*(?:(?:new|updated|complete|full|fixed)\s+)?"
    r"(?:file\s?(?:name|path)?|path|module|create|update)?\s*\d*\s*[:\-–]?\s*$",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"""^(?:#+|//|--|;|<!--|/\*|[rRuU]?(?:\"\"\"|''')|"|')\s*(.*?)\s*(?:-->|\*/|\"\"\"|'''|"|')?\s*$""")
_LANGUAGES = {
    "py": {"python", "python3", "py"},
    "json": {"json", "jsonc", "json5"},
    "md": {"markdown", "md", "mdx", "text"},
    "txt": {"txt", "text", "plaintext", "requirements", "pip", "ini", "python", "plain"},
    "sh": {"bash", "sh", "shell", "zsh"},
    "bash": {"bash", "sh", "shell"},
    "yml": {"yaml", "yml"},
    "yaml": {"yaml", "yml"},
    "js": {"javascript", "js", "node"},
    "ts": {"typescript", "ts"},
    "tf": {"hcl", "terraform", "tf"},
}
_SHELL = frozenset({"bash", "sh", "shell", "zsh", "console", "shell-session", "powershell", "terminal", "cmd", "bat"})
MAX_LINE = 400
"""Characters; a longer line is not searched for names."""


@dataclass(frozen=True, slots=True)
class Name:
    """A path that a block claims, and `by` what: `fence`, `comment`, `line above` or `heading`."""

    path: str
    by: str


def find_name(block: Block) -> Name | None:
    """The file that a block is named after; None where nothing names it, or what does cannot be meant (a shell block below `## tap.py`)."""
    names = [name for name in (_by_fence(block), _by_comment(block), _by_line_above(block), _by_heading(block)) if name]
    names = [name for name in names if _fits(name.path, block)]
    if not names:
        return None
    first = names[0]
    # `# networking.py` below `## File: lib/networking.py`: the longer one says more of the same.
    longer = [name for name in names[1:] if name.path.endswith("/" + first.path)]
    return longer[0] if longer else first


def paths_in(text: str) -> list[str]:
    """The paths that a text mentions, normalised, each once."""
    return list(dict.fromkeys(path for path in map(_normal, _PATH.findall(text[:MAX_LINE])) if path))


def _normal(path: str) -> str:
    """The path below some root, or nothing where it leaves it. An absolute one keeps its leading slash; placing decides."""
    normal = posixpath.normpath(path)
    return "" if normal.startswith("..") or normal == "." else normal


def _by_fence(block: Block) -> Name | None:
    title = _TITLE.search(block.info)
    text = title[1] if title else re.sub(r"^\{?\.?[\w+#-]*[:\s,]", " ", block.info) if block.language else block.info
    paths = paths_in(text)
    return Name(paths[0], "fence") if len(paths) == 1 else None


def _by_comment(block: Block) -> Name | None:
    lines = [line for line in block.text.split("\n")[:4] if line.strip()]
    for position, line in enumerate(lines[:3]):
        if line.startswith("#!") or "coding:" in line:
            continue
        if line.strip() in ('"""', "'''") and len(lines) > position + 1:
            # A docstring that opens on a line of its own: its first line is the next one.
            return _whole(lines[position + 1], "comment")
        comment = _COMMENT.match(line.strip())
        return _whole(comment[1], "comment") if comment else None
    return None


def _by_line_above(block: Block) -> Name | None:
    if not block.above:
        return None
    last = block.above[-1]
    if whole := _whole(last, "line above"):
        return whole
    paths = paths_in(last)
    if len(paths) == 1 and last.rstrip("*_ ").endswith(":") and len(last) < 160:
        return Name(paths[0], "line above")
    alone = [name for line in block.above[:-1] if (name := _whole(line, "line above"))]
    return alone[-1] if alone else None


def _by_heading(block: Block) -> Name | None:
    for heading in reversed(block.headings):
        paths = paths_in(heading)
        # A label names files of any kind, such as `File: lib/AWS_REGION`.
        labelled = None if paths else _LABELLED.match(_DECORATION.sub("", heading[:MAX_LINE]).strip())
        if labelled:
            paths = [path for path in (_normal(labelled[1]),) if path]
        if paths:
            return Name(paths[0], "heading") if len(paths) == 1 else None
    return None


def _whole(text: str, by: str) -> Name | None:
    """The path that a line consists of, but for decoration, a label before it and a remark after it."""
    if len(text) > MAX_LINE:
        return None
    plain = _DECORATION.sub("", text.strip()).strip()
    match = _PATH.search(plain)
    if match is None or not _LABEL.match(plain[: match.start()]):
        return None
    rest = plain[match.end() :].strip()
    if rest and not re.match(r"^(?:[:*]+$|[-–—:(])", rest):
        return None
    path = _normal(match[1])
    return Name(path, by) if path else None


def _fits(path: str, block: Block) -> bool:
    """Whether a block of this language can be the content of such a file."""
    suffix = path.rpartition(".")[2] if "." in posixpath.basename(path) else ""
    if not block.language:
        return suffix != "py" or block.is_python or not _looks_like_drawing(block.text)
    if suffix in _LANGUAGES:
        return block.language in _LANGUAGES[suffix]
    return block.language not in (_SHELL | _LANGUAGES["py"])


def _looks_like_drawing(text: str) -> bool:
    return any(char in text for char in "├└│─→▼") or bool(re.search(r"^\s*[|+]--", text, re.MULTILINE))


def describe(block: Block) -> str:
    """Why a block that nothing names is no file, in a few words."""
    if block.language in _SHELL or (not block.language and block.first_line.startswith(("$ ", "cdktf ", "pip", "npm ", "export "))):
        return "usage example"
    if _looks_like_drawing(block.text):
        return "drawing"
    if block.is_python:
        return "Python without a file"
    return "nothing names its file"
