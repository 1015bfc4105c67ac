"""The checks on a template before anybody deploys it: the SAM transform without AWS, and cfn-lint with our rules."""

import copy
from pathlib import Path
from typing import Any

import boto3
from cfnlint.api import lint as run_cfn_lint
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

RULES = Path(__file__).with_name("lint_rules")
REGION = "eu-central-1"  # both ask for one; nothing in the template is of it
SOURCES = ("CodeUri", "ContentUri")


def lint(template: Path) -> list[str]:
    """Return what cfn-lint and our own rules have to say about a template, warnings too, one line each."""
    matches = run_cfn_lint(template.read_text(), config={"regions": [REGION], "append_rules": [str(RULES)]})
    return [f"{template.name}:{match.linenumber}: {match.rule.id} {match.message}" for match in matches]


def transform(template: dict[str, Any]) -> dict[str, Any]:
    """Return the CloudFormation template that AWS will make of a SAM template. Needs neither AWS nor credentials."""
    uploaded = copy.deepcopy(template)
    for resource in uploaded["Resources"].values():
        for source in SOURCES:
            if source in resource.get("Properties", {}):
                resource["Properties"][source] = "s3://bucket/key"  # where `aws cloudformation package` puts the files
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=REGION))
    translated: dict[str, Any] = translator.translate(uploaded, {})
    return translated
