"""Reads a jupyterhub_config.py from standard input and tells, as JSON, which traits get a literal. Only takes the text apart: it
imports nothing of it, calls nothing of it, runs nothing of it."""

import ast
import json
import resource
import sys

resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))

NOT_LITERAL = object()


def plain(value):
    if isinstance(value, (set, frozenset, tuple, list)):
        items = [plain(item) for item in value]
        return sorted(items, key=repr) if isinstance(value, (set, frozenset)) else items
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def literal(node, known):
    """What it is without asking anybody; NOT_LITERAL if somebody would have to be asked."""
    if isinstance(node, ast.Name) and node.id in known:
        return known[node.id]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("set", "dict", "list", "tuple"):
        if not node.args and not node.keywords:
            return {} if node.func.id == "dict" else []
        if node.func.id == "dict" and not node.args and all(k.arg for k in node.keywords):
            pairs = {k.arg: literal(k.value, known) for k in node.keywords}
            return NOT_LITERAL if NOT_LITERAL in pairs.values() else pairs
        if len(node.args) == 1 and not node.keywords and node.func.id != "dict":
            return literal(node.args[0], known)
        return NOT_LITERAL
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        items = [literal(item, known) for item in node.elts]
        return NOT_LITERAL if any(item is NOT_LITERAL for item in items) else items
    if isinstance(node, ast.Dict):
        if any(key is None for key in node.keys):
            return NOT_LITERAL
        pairs = [(literal(key, known), literal(value, known)) for key, value in zip(node.keys, node.values)]
        if any(key is NOT_LITERAL or value is NOT_LITERAL for key, value in pairs):
            return NOT_LITERAL
        return {str(key): value for key, value in pairs}
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Add)):
        left, right = literal(node.left, known), literal(node.right, known)
        numbers = all(isinstance(side, (int, float)) and abs(side) < 2**40 for side in (left, right))
        if numbers:
            return left * right if isinstance(node.op, ast.Mult) else left + right
        texts = all(isinstance(side, str) and len(side) < 10000 for side in (left, right))
        return left + right if texts and isinstance(node.op, ast.Add) else NOT_LITERAL
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = literal(node.operand, known)
        return -inner if isinstance(inner, (int, float)) else NOT_LITERAL
    return plain(node.value) if isinstance(node, ast.Constant) else NOT_LITERAL


def trait(node):
    """'JupyterHub.port' for c.JupyterHub.port."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and isinstance(node.value.value, ast.Name):
        if node.value.value.id == "c":
            return node.value.attr + "." + node.attr
    return ""


def why(node):
    if isinstance(node, (ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef)):
        return "a function"
    if isinstance(node, ast.Call):
        return "it is worked out when JupyterHub starts"
    return "not a plain value"


def changed(call):
    """c.X.y.update(...), .append(...), .add(...), .extend(...): trait, what, argument."""
    if isinstance(call.func, ast.Attribute) and call.func.attr in ("update", "append", "add", "extend"):
        name = trait(call.func.value)
        if name and len(call.args) == 1 and not call.keywords:
            return name, call.func.attr, call.args[0]
    return "", "", None


def grown(before, how, value):
    if how == "update" and isinstance(value, dict):
        return {**(before if isinstance(before, dict) else {}), **value}
    items = list(before) if isinstance(before, list) else []
    return items + (list(value) if how in ("extend", "update") and isinstance(value, list) else [value])


def main():
    source = sys.stdin.read()
    lines = source.splitlines()
    found, unread, known, last = [], [], {}, {}

    def leave(node, reason):
        unread.append({"line": node.lineno, "text": lines[node.lineno - 1].strip()[:120], "why": reason})

    for node in ast.parse(source).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            value = literal(node.value, known)
            name = trait(target)
            if isinstance(target, ast.Name):
                known.pop(target.id, None)
                if value is not NOT_LITERAL:
                    known[target.id] = value
                elif target.id != "c":
                    leave(node, why(node.value))
            elif name and value is not NOT_LITERAL:
                last[name] = value
                found.append({"name": name, "value": value, "line": node.lineno})
            else:
                leave(node, why(node.value) if name else "not a trait")
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            name, how, argument = changed(node.value)
            value = literal(argument, known) if name else NOT_LITERAL
            if value is not NOT_LITERAL:
                last[name] = grown(last.get(name), how, value)
                found.append({"name": name, "value": last[name], "line": node.lineno})
                continue
        reasons = {ast.If: "it depends", ast.For: "a loop", ast.With: "it is worked out", ast.Try: "it depends",
                   ast.FunctionDef: "a function", ast.ClassDef: "a class"}
        leave(node, reasons.get(type(node), "not a plain value"))
    json.dump({"set": found, "unread": unread}, sys.stdout)


try:
    main()
except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
    sys.stderr.write(f"{type(error).__name__}: {error}\n")
    sys.exit(3)
