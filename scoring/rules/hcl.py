"""What Terraform's own language does not allow, where a plain configuration is read."""

from __future__ import annotations

from harness.failures import Category
from scoring.rules.base import Example, Rule

RULES = (
    Rule(
        id="hcl-syntax",
        gates=("synth",),
        # Only what is said of a file of the configuration; a refusal has none to speak of.
        pattern=r"^(?:[\w-]+: )?(?P<broken>\S+\.tf(?:\.json|vars)?): (?P<said>[^:\n]+)",
        category=Category.TERRAFORM,
        symbols=("broken", "said"),
        title="{broken} is not HCL: {said}",
        root_cause="Terraform cannot read {broken}: {said}. A file that cannot be read takes the whole configuration with it.",
        impact="Deployment blocked: Terraform stops at the file, so nothing is validated or planned, and what is wrong behind it stays hidden.",
        lesson="HCL: one argument a line, strings closed on their line (heredocs for more), every brace and bracket closed; `terraform fmt` finds the rest.",
        documentation="https://developer.hashicorp.com/terraform/language/syntax/configuration",
        examples=(
            Example(
                "synth",
                "Invalid multi-line string",
                "main.tf: Invalid multi-line string: Quoted strings may not be split over multiple lines. To produce a multi-line string, either use the "
                '\\n escape to represent a newline character or use the "heredoc" multi-line template syntax.',
                address="aws_route53_zone.main",
                files=("main.tf",),
            ),
            Example(
                "synth",
                "Argument or block definition required",
                "variables.tf: Argument or block definition required: An argument or block definition is required here. To set an argument, use the equals "
                'sign "=" to introduce the argument value.',
                files=("variables.tf",),
            ),
        ),
    ),
)
