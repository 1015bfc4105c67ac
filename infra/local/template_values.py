"""What a CloudFormation template says once it is deployed to one place: names, ARNs and parameters filled in."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_NAME_PROPERTY = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::S3::Bucket": "BucketName",
}
_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]+)\}")


class UnsupportedTemplateError(ValueError):
    """The template uses something that is not understood here; a guess would make other resources than AWS does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the template goes."""

    account: str
    region: str
    endpoint_url: str
    stage: str


class Template:
    """A template in one place; understands Ref, Fn::Sub, Fn::GetAtt and Fn::Join."""

    def __init__(self, template: Mapping[str, Any], place: Place) -> None:
        self._resources: Mapping[str, Any] = template["Resources"]
        self._place = place
        defaults = {name: said.get("Default") for name, said in template.get("Parameters", {}).items()}
        self._values: dict[str, Any] = defaults | {
            "Stage": place.stage,
            "AWS::AccountId": place.account,
            "AWS::Region": place.region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": f"throughline-{place.stage}",
        }

    def resources(self, kind: str, wanted: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield logical id and resolved properties, the wanted ones, of every resource of this type."""
        for logical_id, resource in self._resources.items():
            if resource.get("Type") == kind:  # what the deployment merges into other resources has none
                properties = resource.get("Properties", {})
                yield logical_id, {key: self._resolve(properties[key]) for key in wanted if key in properties}

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resolve(element) for element in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (function, argument), *_ = value.items()
            if function == "Ref" or function.startswith("Fn::"):
                return self._call(function, argument)
        return {key: self._resolve(element) for key, element in value.items()}

    def _call(self, function: str, argument: Any) -> Any:
        match function, argument:
            case "Ref", str(name):
                return self._ref(name)
            case "Fn::GetAtt", str(path):
                return self._attribute(*path.split(".", 1))
            case "Fn::GetAtt", [str(logical_id), str(attribute)]:
                return self._attribute(logical_id, attribute)
            case "Fn::Sub", str(text):
                return self._substitute(text, {})
            case "Fn::Sub", [str(text), dict(variables)]:
                return self._substitute(text, self._resolve(variables))
            case "Fn::Join", [str(separator), list(parts)]:
                return separator.join(self._resolve(parts))
        raise UnsupportedTemplateError(f"{function} of {argument!r} is not understood on the local stack")

    def _ref(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if self._kind(name) == "AWS::SQS::Queue":
            return f"{self._place.endpoint_url}/{self._place.account}/{self._name(name)}"
        return self._name(name)

    def _attribute(self, logical_id: str, attribute: str) -> str:
        account, region = self._place.account, self._place.region
        match self._kind(logical_id), attribute:
            case "AWS::SQS::Queue", "QueueName":
                return self._name(logical_id)
            case "AWS::SQS::Queue", "Arn":
                return f"arn:aws:sqs:{region}:{account}:{self._name(logical_id)}"
            case "AWS::DynamoDB::Table", "Arn":
                return f"arn:aws:dynamodb:{region}:{account}:table/{self._name(logical_id)}"
            case "AWS::S3::Bucket", "Arn":
                return f"arn:aws:s3:::{self._name(logical_id)}"
        raise UnsupportedTemplateError(f"attribute {attribute} of {logical_id} is not understood on the local stack")

    def _substitute(self, text: str, variables: Mapping[str, Any]) -> str:
        def fill(found: re.Match[str]) -> str:
            literal, name = found.groups()
            if literal:
                return f"${{{name}}}"
            if name in variables:
                return str(variables[name])
            return str(self._attribute(*name.split(".", 1)) if "." in name else self._ref(name))

        return _PLACEHOLDER.sub(fill, text)

    def _kind(self, logical_id: str) -> str:
        if logical_id not in self._resources:
            raise UnsupportedTemplateError(f"{logical_id} is neither a resource nor a parameter of the template")
        return str(self._resources[logical_id].get("Type"))

    def _name(self, logical_id: str) -> str:
        property_name = _NAME_PROPERTY.get(self._kind(logical_id))
        if property_name is None:
            raise UnsupportedTemplateError(f"{logical_id} is of a type that the local stack does not make")
        return str(self._resolve(self._resources[logical_id]["Properties"][property_name]))
