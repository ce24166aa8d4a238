"""Metric math over series and numbers: arithmetic, comparisons, AND, OR, METRICS, FILL, and what FUNCTIONS lists.

Source: CloudWatch user guide, "using-metric-math". Two series meet where both have a value. Python's own parser reads
an expression, once its words are Python's.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infra.local.observe.errors import InvalidValue, NotServed

Series = Mapping[float, float]  # time to value
Operand = Series | float
Value = Any  # an operand, a list of series (METRICS()), or a word in quotes
WORDS = {"^": "**", "&&": " and ", "||": " or ", "AND": " and ", "OR": " or "}
WORD = re.compile(r"\^|&&|\|\||\bAND\b|\bOR\b")
MAX_POWER = 64.0


def evaluate(expression: str, series: Mapping[str, Series], times: Sequence[float]) -> Series:
    """The series that an expression gives, `series` by id; a number, and FILL, hold at all of `times`."""
    try:
        tree = ast.parse(WORD.sub(lambda match: WORDS[match[0]], expression).strip(), mode="eval")
    except (SyntaxError, ValueError) as error:
        raise InvalidValue(f"Error in expression '{expression}': Invalid syntax") from error
    result = _Evaluation(expression, series, times).visit(tree.body)
    if isinstance(result, Mapping):
        return result
    if not isinstance(result, float):
        raise NotServed(f"The expression '{expression}', which gives several time series")
    return dict.fromkeys(times, result)


class _Evaluation:
    """One expression's. `visit` takes a node of its tree."""

    def __init__(self, expression: str, series: Mapping[str, Series], times: Sequence[float]) -> None:
        self._expression = expression
        self._series = series
        self._functions: Mapping[str, Callable[..., Value]] = {
            **FUNCTIONS, "FILL": lambda given, filling: _fill(given, filling, times)
        }  # fmt: skip

    def visit(self, node: ast.expr) -> Value:
        """The node's value; what metric math does not have is refused."""
        match node:
            case ast.Constant(value=bool() | None):
                raise self._refused(node)
            case ast.Constant(value=int() | float() | str() as value):
                return value if isinstance(value, str) else float(value)
            case ast.Name(id=name):
                return self._named(name)
            case ast.List(elts=elements):
                return [self.visit(each) for each in elements]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _elementwise(operator.neg, self.visit(operand))
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in ARITHMETIC:
                return _elementwise(ARITHMETIC[type(sign)], self.visit(left), self.visit(right))
            case ast.BoolOp(op=sign, values=values):
                call = _both if isinstance(sign, ast.And) else _either
                return _elementwise(call, *map(self.visit, values))
            case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in COMPARISONS:
                compare = COMPARISONS[type(sign)]
                return _elementwise(lambda a, b: float(compare(a, b)), self.visit(left), self.visit(right))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments)
        raise self._refused(node)

    def _named(self, name: str) -> Value:
        if name not in self._series and name not in ("REPEAT", "LINEAR"):
            raise InvalidValue(f"Error in expression '{self._expression}': Undefined variable '{name}'")
        return self._series.get(name, name)

    def _call(self, name: str, arguments: Sequence[ast.expr]) -> Value:
        if name == "METRICS":
            words = [self.visit(each) for each in arguments]
            return [series for key, series in self._series.items() if all(word in key for word in words)]
        if name not in self._functions:
            raise NotServed(f"The function {name} of metric math")
        try:
            return self._functions[name](*map(self.visit, arguments))
        except (TypeError, ValueError, AttributeError) as error:
            raise InvalidValue(f"Error in expression '{self._expression}': wrong arguments for {name}") from error

    def _refused(self, node: ast.expr) -> NotServed:
        return NotServed(f"'{ast.unparse(node)}' in the expression '{self._expression}'")


def _elementwise(call: Callable[..., float], *operands: Value) -> Value:
    """Apply to numbers, or to series at the times that all of them have; a result that is no number is left out."""
    if any(not isinstance(each, (float, Mapping)) for each in operands):
        raise NotServed("Arithmetic on several time series at once")
    series = [each for each in operands if isinstance(each, Mapping)]
    if not series:
        return _tried(call, operands)
    times = [time for time in series[0] if all(time in each for each in series)]
    results = {time: _tried(call, [_at(each, time) for each in operands]) for time in times}
    return {time: value for time, value in results.items() if not math.isnan(value)}


def _tried(call: Callable[..., float], values: Sequence[Any]) -> float:
    try:
        result = call(*values)
    except (ZeroDivisionError, OverflowError, ValueError):
        return math.nan
    return float(result) if isinstance(result, (int, float)) else math.nan


def _at(operand: Operand, time: float) -> float:
    return operand[time] if isinstance(operand, Mapping) else operand


def _both(*values: float) -> float:
    return float(all(values))


def _either(*values: float) -> float:
    return float(any(values))


def _power(base: float, exponent: float) -> float:
    if abs(exponent) > MAX_POWER:
        raise ValueError(exponent)
    return float(base**exponent)


def _across(call: Callable[[list[float]], float]) -> Callable[[Value], Value]:
    """A function that makes a number of one series, or of several series one series."""

    def apply(given: Value) -> Value:
        if isinstance(given, Mapping):
            return float(call(list(given.values()))) if given else math.nan
        by_time = {time: [each[time] for each in given if time in each] for each in given for time in each}
        return {time: float(call(values)) for time, values in sorted(by_time.items())}

    return apply


def _if(condition: Operand, then: Operand, otherwise: Operand | None = None) -> Value:
    """Without `otherwise`, the times at which the condition does not hold are left out."""
    last: Operand = math.nan if otherwise is None else otherwise
    return _elementwise(lambda held, yes, no: yes if held else no, condition, then, last)


def _fill(series: Series, filling: Value, times: Sequence[float]) -> Series:
    """At the times at which the series has no value: a number, or with REPEAT the value before."""
    if filling == "LINEAR":
        raise NotServed("FILL with LINEAR")
    filled: dict[float, float] = {}
    for time in sorted({*times, *series}):
        last = next(reversed(filled.values()), None)
        value = series.get(time, last if filling == "REPEAT" else float(filling))
        if value is not None:
            filled[time] = value
    return filled


ARITHMETIC: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
COMPARISONS: Mapping[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "SUM": _across(sum),
    "AVG": _across(lambda values: sum(values) / len(values)),
    "MIN": _across(min),
    "MAX": _across(max),
    "ABS": lambda given: _elementwise(abs, given),
    "CEIL": lambda given: _elementwise(math.ceil, given),
    "FLOOR": lambda given: _elementwise(math.floor, given),
    "IF": _if,
}
