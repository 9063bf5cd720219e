"""The schema as a page needs it: groups of operations with their parameters, fields and answers."""

from dataclasses import dataclass, field
from typing import Any

from django.utils.text import slugify


@dataclass(frozen=True)
class Value:
    """A parameter or a field of a body."""

    name: str
    place: str
    kind: str
    required: bool
    description: str


@dataclass(frozen=True)
class Described:
    """One operation. ``example`` is a shell command that calls it."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    access: str
    values: list[Value]
    answers: list[tuple[str, str]]
    example: str


@dataclass
class Group:
    title: str
    operations: list[Described] = field(default_factory=list)

    @property
    def id(self) -> str:
        return slugify(self.title)


def described(schema: dict[str, Any]) -> list[Group]:
    """The operations under their first tag, in the schema's order."""
    groups: dict[str, Group] = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            title = operation["tags"][0]
            groups.setdefault(title, Group(title)).operations.append(_operation(schema, path, method, operation))
    return list(groups.values())


def _operation(schema: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> Described:
    parameters = [
        Value(one["name"], one["in"], kind_of(one["schema"]), one["required"], one.get("description", ""))
        for one in operation["parameters"]
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    fields = _fields(schema, body) if body else []
    return Described(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=operation["description"].rpartition("Access:")[0].strip(),
        access=operation["x-access"],
        values=[*parameters, *fields],
        answers=[(status, answer["description"]) for status, answer in operation["responses"].items()],
        example=_example(path, method, fields),
    )


def _fields(schema: dict[str, Any], body: dict[str, Any]) -> list[Value]:
    if "$ref" in body:
        body = schema["components"]["schemas"][body["$ref"].rpartition("/")[2]]
    required = body.get("required", [])
    return [
        Value(name, "body", kind_of(kind), name in required, kind.get("description", ""))
        for name, kind in body.get("properties", {}).items()
    ]


def kind_of(schema: dict[str, Any]) -> str:
    """The type in a few words: "text", "one of: on, off", "number or null"."""
    if "enum" in schema:
        return "one of: " + ", ".join(str(one) if one != "" else "(empty)" for one in schema["enum"])
    if "const" in schema:
        return str(schema["const"]) or "(empty)"
    if "anyOf" in schema:
        return " or ".join(kind_of(one) for one in schema["anyOf"])
    kind = schema.get("type", "object")
    if kind == "array":
        return f"list of {kind_of(schema.get('items', {}))}"
    if schema.get("format") == "date-time":
        return "time"
    return {"string": "text", "integer": "number", "boolean": "true or false"}.get(kind, str(kind))


def _example(path: str, method: str, fields: list[Value]) -> str:
    lines = ['curl -H "Authorization: Bearer $KEY"']
    if method != "get":
        lines.append(f"-X {method.upper()}")
    if fields:
        sent = ", ".join(f'"{one.name}": …' for one in fields if one.required) or "…"
        lines.append(f"--json '{{{sent}}}'")
    return " ".join([*lines, "$AGORA" + path.replace("{pk}", "1")])
