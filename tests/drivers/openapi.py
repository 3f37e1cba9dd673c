"""Holds answers against docs/openapi.yaml: path, method, status and body. Needs python3-yaml and python3-jsonschema."""

import json
import re
import urllib.parse

import jsonschema
import yaml


class Description:
    def __init__(self, path="docs/openapi.yaml"):
        with open(path) as file:
            self.whole = yaml.safe_load(file)
        self.resolver = jsonschema.RefResolver("", self.whole)
        self.patterns = [(re.compile("^" + re.sub(r"\{\w+\}", "[^/]*", pattern) + "/?$"), pattern) for pattern in self.whole["paths"]]
        self.seen = set()

    def check(self, method, path, answer):
        """Fails for an answer that the file does not describe. Paths outside /hub/api are not its business."""
        path = urllib.parse.urlsplit(path).path
        if not path.startswith("/hub/api"):
            return
        path = path[len("/hub/api"):] or "/"
        # The one with most literal segments: /users/{name}/server before /users/{name}/{x}.
        fitting = [pattern for compiled, pattern in self.patterns if compiled.match(path)]
        assert fitting, f"{path} is not in the description"
        operation = self.whole["paths"][fitting[0]].get(method.lower())
        assert operation, f"{method} {fitting[0]} is not in the description"
        response = operation["responses"].get(str(answer.status))
        assert response, f"{method} {fitting[0]}: status {answer.status} is not in the description"
        if "$ref" in response:
            response = self.resolver.resolve(response["$ref"])[1]
        self.seen.add((method, fitting[0], answer.status))
        schema = response.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return
        kind = answer.header("content-type")
        assert kind.startswith(("application/json", "application/problem+json")), (method, path, kind)
        validator = jsonschema.Draft202012Validator(schema, resolver=self.resolver)
        problems = [f"{'/'.join(map(str, e.path))}: {e.message[:300]}" for e in validator.iter_errors(json.loads(answer.body))]
        assert not problems, (method, path, answer.status, problems)
