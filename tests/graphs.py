"""The operations of a TensorFlow graph, for tests of exports."""


def operations(graph) -> set[str]:
    """Their kinds, in a `GraphDef` and in whatever it calls, however deep."""
    held = [value for _, value in graph.ListFields() if hasattr(value, "function")]
    functions = {f.signature.name: f.node_def for value in held for f in value.function}
    kinds, seen, waiting = set(), set(), [graph.node]
    while waiting:
        for node in waiting.pop():
            kinds.add(node.op)
            held = [a.func for a in node.attr.values()]
            held += [f for a in node.attr.values() for f in a.list.func]
            called = {f.name for f in held} | {node.op}
            waiting += [functions[c] for c in called - seen if c in functions]
            seen |= called
    return kinds
