"""`python -m infra.desk_config OUTPUTS --issuer … --client-id …`: the desk's config.json for a deployed stage.

OUTPUTS is what `aws cloudformation describe-stacks --query "Stacks[0].Outputs"` answered. With `--output` one of them
is printed instead, for the Makefile; with `--widget` the widget's script, which then knows where the API is.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

WIDGET_PLACE = '"throughline:api"'  # in desk/src/widget/main.ts


def desk_config(outputs: Mapping[str, str], issuer: str, client_id: str, scope: str) -> Mapping[str, str]:
    """Return what the desk asks for before anything else."""
    apis = {"api": outputs["ApiUrl"], "socket": outputs["SocketsUrl"]}
    return {"issuer": issuer, "client_id": client_id, "scope": scope, **apis}


def told_widget(script: str, api: str) -> str:
    """Return the widget's script with the API's address in it.

    Raises:
        ValueError: the script has no place for it, or more than one: it is not what `make desk` built.
    """
    if script.count(WIDGET_PLACE) != 1:
        raise ValueError(f"{WIDGET_PLACE} has to stand in the widget's script once")
    return script.replace(WIDGET_PLACE, json.dumps(api))


def read_outputs(path: Path) -> Mapping[str, str]:
    """Return a stack's outputs by name."""
    return {output["OutputKey"]: output["OutputValue"] for output in json.loads(path.read_text())}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the configuration, or one output; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.desk_config", description=__doc__)
    parser.add_argument("outputs", type=Path)
    parser.add_argument("--output", help="print only this one of the outputs")
    parser.add_argument("--widget", type=Path, help="print this script with the API's address")
    parser.add_argument("--issuer", default="")
    parser.add_argument("--client-id", default="")
    parser.add_argument("--scope", default="openid profile")
    given = parser.parse_args(arguments)
    outputs = read_outputs(given.outputs)
    if given.output:
        print(outputs[given.output])
    elif given.widget:
        print(told_widget(given.widget.read_text(), outputs["ApiUrl"]), end="")
    else:
        print(json.dumps(desk_config(outputs, given.issuer, given.client_id, given.scope), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
