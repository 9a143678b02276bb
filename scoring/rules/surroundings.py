"""Programs that ask their surroundings for something while they synthesize, and that refuse to go on by themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category
from scoring.rules.base import CDKTF_DOCS, STOPS_SYNTHESIS, Example, Merge, Names, Rule

if TYPE_CHECKING:
    from harness.attribution import Finding

_EXCEPTIONS = "https://docs.python.org/3/library/exceptions.html"
_AWS_CALLS = ("NoCredentialsError", "NoRegionError", "PartialCredentialsError", "EndpointConnectionError", "ProfileNotFound")


def _command(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names:
    words = re.findall(r"'([^']*)'", names["command"]) or names["command"].split()
    return names | {"command": " ".join(words[:3])}


RULES = (
    Rule(
        id="aws-call-at-synthesis",
        gates=("synth",),
        codes=_AWS_CALLS,
        category=Category.ARCHITECTURE,
        symbols=("code",),
        title="Synthesis calls AWS itself: {summary}",
        root_cause="The program asks AWS while it builds the stack, so it needs an account, a region and the network just to be read: {summary}.",
        impact=STOPS_SYNTHESIS,
        lesson="Architecture: look things up with data sources, which Terraform reads at plan; keep boto3 out of the stack's program.",
        documentation=CDKTF_DOCS + "/data-sources",
        examples=(
            Example("synth", "NoCredentialsError", "Unable to locate credentials"),
            Example("synth", "NoRegionError", "You must specify a region."),
        ),
    ),
    Rule(
        id="network-at-synthesis",
        gates=("synth",),
        codes=("URLError", "gaierror", "ConnectionError", "ConnectTimeout", "ConnectionRefusedError", "MaxRetryError"),
        category=Category.ARCHITECTURE,
        symbols=("code",),
        title="Synthesis goes to the network",
        root_cause="The program fetches something while it builds the stack: {summary}. The result would change from run to run and from place to place.",
        impact=STOPS_SYNTHESIS,
        lesson="Architecture: a stack is made from its code and inputs alone; what has to be looked up is a data source's task.",
        documentation=CDKTF_DOCS + "/data-sources",
        examples=(Example("synth", "URLError", "<urlopen error [Errno -3] Temporary failure in name resolution>"),),
    ),
    Rule(
        id="command-at-synthesis",
        gates=("synth",),
        codes=("CalledProcessError",),
        pattern=r"Command '?(?P<command>\[.+?\]|[^']+)'? returned non-zero exit status (?P<exit>\d+)",
        refine=_command,
        category=Category.PACKAGING,
        symbols=("command",),
        title="Synthesis runs a command that fails: {command}",
        root_cause="The program starts {command} while it builds the stack. That needs tools or the network that synthesis does not have.",
        impact=STOPS_SYNTHESIS,
        lesson="Packaging: build what lambda functions need before synthesis; the stack's program only refers to the result.",
        documentation="https://docs.python.org/3/library/subprocess.html#subprocess.CalledProcessError",
        examples=(Example("synth", "CalledProcessError", "Command '['pip', 'install', 'x']' returned non-zero exit status 1."),),
    ),
    Rule(
        id="writes-outside",
        gates=("synth",),
        codes=("OSError", "PermissionError"),
        pattern=r"(?:Read-only file system|Permission denied): '(?P<path>[^']+)'",
        category=Category.PYTHON,
        symbols=("path",),
        title="Synthesis writes outside of the project: {path}",
        root_cause="The program writes to {path}, which belongs to the machine and not to the project.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: write only below the project's folder, or to a temporary one.",
        documentation=_EXCEPTIONS + "#PermissionError",
        examples=(Example("synth", "OSError", "[Errno 30] Read-only file system: '/etc/x'"),),
    ),
    Rule(
        id="asks-for-input",
        gates=("synth",),
        codes=("EOFError",),
        category=Category.PYTHON,
        merge=Merge.PER_RULE,
        symbols=(),
        title="Synthesis waits for somebody to type",
        root_cause="The program calls input(), and nobody sits at a terminal where stacks are synthesized.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: take inputs as parameters, variables or environment, never from a keyboard.",
        documentation="https://docs.python.org/3/library/functions.html#input",
        examples=(Example("synth", "EOFError", "EOF when reading a line"),),
    ),
    Rule(
        id="endless-recursion",
        gates=("synth",),
        codes=("RecursionError",),
        category=Category.PYTHON,
        merge=Merge.PER_RULE,
        symbols=(),
        title="A function calls itself without end",
        root_cause="Python stopped the program: {summary}.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: every recursion needs a case that ends it.",
        documentation=_EXCEPTIONS + "#RecursionError",
        examples=(Example("synth", "RecursionError", "maximum recursion depth exceeded"),),
    ),
    Rule(
        id="json-unreadable",
        gates=("synth",),
        codes=("JSONDecodeError",),
        category=Category.PYTHON,
        symbols=("file",),
        title="The program reads JSON that is none: {summary}",
        root_cause="A document that the response parses at synthesis is not JSON: {summary}.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: build documents as dictionaries and let json.dumps write them.",
        documentation="https://docs.python.org/3/library/json.html#json.JSONDecodeError",
        examples=(Example("synth", "JSONDecodeError", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),),
    ),
    Rule(
        id="refused-by-own-check",
        gates=("synth",),
        codes=("ValueError", "AssertionError"),
        category=Category.PYTHON,
        symbols=("code",),
        title="The program refuses its own values: {summary}",
        root_cause="A check in the response, or in a library that it calls, ends synthesis: {summary}.",
        impact=STOPS_SYNTHESIS,
        lesson="Python: what a program checks has to hold for the values that it is run with by default.",
        documentation=_EXCEPTIONS + "#ValueError",
        examples=(
            Example("synth", "ValueError", "environment must be one of dev, prod"),
            Example("synth", "ValueError", "10.0.0.1/16 has host bits set"),
            Example("synth", "AssertionError", "Required property 'value' is missing"),
        ),
    ),
)
