"""Shorter names in the page's script."""

from __future__ import annotations

import re

import pytest

from cloudplow_dashboard.web.assets import ENTRY, LATER, STATIC, join_modules, later_script, page_script
from cloudplow_dashboard.web.names import renamed, shorter_names, variables

ALL = ["total", "count"]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("function total(count){return count;}", ALL),
        ("const total=(count)=>count;", ALL),
        ("const[total,count]=f();", ALL),
        ("const total=count=>count;", ALL),
        ("const f=(total,...count)=>[...count,total];", ALL),
        ("let total=1;{total(2);}if(total){count(total);}", ["total"]),
        ("const total=1,a=b?total:c;", ["total"]),
        ("const total=1;const t=`total ${total} count`;", ["total"]),
        ("const total=a/ b/ c;", ["total"]),
    ],
)
def test_variables_are_found(script: str, expected: list[str]) -> None:
    assert [name for name in ALL if name in variables(script)] == expected


@pytest.mark.parametrize(
    "use",
    [
        "a.total",
        "a?.total",
        "`${a}${b.total}${c}`",
        "`/${total.a} }${{total}} {`",
        "f({total:1});",
        "f({a,total});",
        "f({total});",
        "const{total}=a;",
        "const{total=1}=a;",
        "f({total(a){}});",
        "f({get total(){}});",
        "f({async total(a,b=(1)){}});",
    ],
)
def test_what_is_also_a_property_is_no_variable(use: str) -> None:
    assert "total" not in variables(f"let total=1;{use}")


def test_a_name_of_the_browser_stays() -> None:
    assert variables("function look(document){return document;}") == {"look": 1}


def test_frequent_names_are_the_shortest_and_none_is_taken_twice() -> None:
    script = 'const total=1;let count=total+total+a;f("total",`count ${count}, ${f({total:"count"})}`);'
    assert shorter_names(script) == 'const total=1;let b=total+total+a;f("total",`count ${b}, ${f({total:"count"})}`);'
    assert shorter_names("let total=1;let count=total+total;") == "let a=1;let b=a+a;"


def test_strings_and_regular_expressions_stay() -> None:
    script = 'let total=1;f("total",/total/g,`total`,total);return /total"/;let a=total;'
    assert renamed(script, {"total": "b"}) == 'let b=1;f("total",/total/g,`total`,b);return /total"/;let a=b;'


def test_the_pages_script_only_loses_letters() -> None:
    joined = join_modules(ENTRY, lambda path: (STATIC / "js" / path).read_text(encoding="utf-8"), LATER)
    short = "".join(
        re.sub(r'^import\{.*\}from"\.\./page\.js";\n|export\{.*\};\n$', "", made().decode())
        for made in (page_script, later_script)
    )
    shape = re.compile(r"[\w$]+")
    assert shape.sub("", short) == shape.sub("", joined)
    for same in (r'"[^"\n]*"', r"(?<!\.)\.[\w$]+"):
        assert re.findall(same, short) == re.findall(same, joined)
    assert len(short) < len(joined) * 0.9
