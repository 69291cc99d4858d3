"""The page's modules and styles as one small file each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from cloudplow_dashboard.state.state import DashboardState
from cloudplow_dashboard.web.app import create_app
from cloudplow_dashboard.web.assets import (
    ENTRY,
    LATER,
    MADE,
    STATIC,
    STYLES,
    join_apart,
    join_modules,
    lighter_script,
    lighter_style,
    page_styles,
)


def read_module(path: str) -> str:
    return (STATIC / "js" / path).read_text(encoding="utf-8")


MODULES = sorted((STATIC / "js").rglob("*.js"))
SHEETS = sorted((STATIC / "css").glob("*.css"))


def test_modules_are_joined_in_the_order_in_which_they_need_each_other() -> None:
    modules = {
        "main.js": 'import * as words from "./words.js";\nimport { a } from "./render/a.js";\na(words.b);',
        "render/a.js": 'import * as words from "../words.js";\nimport { e } from "../e.js";\n'
        "export function a() {}\nconst c = 1;\nexport const d = words.b(e, c);\n",
        "words.js": "export async function b() {}",
        "e.js": "const c = 4;\nexport const e = c + 1;\n",
    }
    assert join_modules("main.js", modules.__getitem__) == (
        "const words=(()=>{async function b(){}\nreturn{b};})();"
        "const c=4;const e=c+1;function a(){}\nconst c5=1;const d=words.b(e,c5);a(words.b);"
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('import { a } from "./b.js";\n', "main.js -> b.js -> main.js: modules import each other"),
        ('import "./c.js";\n', "b.js: not understood: import"),
        ("import { a } from './c.js';\n", "b.js: not understood: import"),
        ("export default 3;\n", "b.js: not understood: export default 3;"),
        ("export let a = 3;\n", "b.js: not understood: export let"),
        ("export const c = 3;\n", "b.js: exports c, as c.js does"),
        ('import * as other from "./c.js";\n', "b.js: imports c.js in another way"),
    ],
)
def test_what_cannot_be_joined_is_refused_by_name(text: str, complaint: str) -> None:
    main = 'import { c } from "./c.js";\nimport { d } from "./b.js";\n'
    modules = {"main.js": main, "b.js": text.replace("./b.js", "./main.js"), "c.js": "export const c = 1;\n"}
    with pytest.raises(ValueError, match=complaint):
        join_modules("main.js", modules.__getitem__)


def test_a_name_that_two_modules_keep_to_themselves_may_be_no_key() -> None:
    modules = {
        "main.js": 'import { b } from "./b.js";\nconst a = 1;\nb({ a });\n',
        "b.js": "const a = 2;\nexport const b = a;\n",
    }
    with pytest.raises(ValueError, match=r"main\.js: a: another module has this name, and here it is a key, too"):
        join_modules("main.js", modules.__getitem__)


def test_what_is_needed_later_is_a_module_that_takes_the_rest_from_the_first() -> None:
    modules = {
        "main.js": 'import { total } from "./sums.js";\n'
        'async function show() {\n  const { chart } = await import("./render/chart.js");\n  chart(total);\n}\n'
        "show();\n",
        "sums.js": "export const total = 1;\nexport const unused = 2;\n",
        "words.js": "export function said() {}\n",
        "render/chart.js": 'import { axis } from "../axis.js";\nexport function chart(value) {\n  axis(value);\n}\n',
        "axis.js": 'import { total } from "./sums.js";\nimport { said } from "./words.js";\n'
        "export function axis(value) {\n  said(value + total);\n}\n",
    }
    first, later = join_apart("main.js", "render/chart.js", modules.__getitem__)
    assert first == (
        'const b=1;const f=2;async function e(){const{chart}=await import("./render/chart.js");chart(b);}\ne();'
        "export{b};\n"
    )
    assert later == (
        'import{b}from"../page.js";\nfunction d(){}\nfunction c(a){d(a+b);}\nfunction chart(a){c(a);}\nexport{chart};\n'
    )


def test_comments_and_indentation_are_left_out() -> None:
    text = (
        '// What it is.\n\n/**\n * Says * and /.\n */\nexport const a = {\n  b: "// c", // no\n  /* d */\n  e: 1,\n};\n'
    )
    assert lighter_script(text) == 'export const a={b: "// c", // no\ne:1,};'
    assert lighter_script("const f = (/** @type {(a: string) => 1} */ a) => g(a);\n") == "const f=(a)=>g(a);"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('const a = b ? [c] : { d: "x = { y }" };', 'const a=b?[c]:{d:"x = { y }"};'),
        ("const t = `a ${b ? c : 1}, { d }` + e;", "const t=`a ${b ? c : 1}, { d }` + e;"),
        ("const r = / { [,] /g; a = 1", "const r = / { [,] /g; a = 1"),
        ("a = b + +c - -d", "a=b + +c - -d"),
        ("a = (b + c) / d - [e]; f += g", "a=(b+c)/ d-[e];f+=g"),
        ("a.replace(/b - c/, d)", "a.replace(/b - c/, d)"),
        ("return / - [x]/", "return / - [x]/"),
        ("return (\n  a\n  && b\n);", "return(a\n&&b\n);"),
    ],
)
def test_blanks_are_left_out_where_they_mean_nothing(text: str, expected: str) -> None:
    assert lighter_script(text) == expected


def test_styles_keep_the_blanks_that_count() -> None:
    text = (
        '.a :hover, .b > i {\n  margin: 0 auto;\n  font: 1rem "A, B";\n}\n@media (width > 1rem) { i { e: f(1, 2); } }\n'
    )
    expected = '.a :hover,.b>i{margin:0 auto;font:1rem "A, B";}@media (width>1rem){i{e:f(1,2);}}'
    assert lighter_style(text) == expected


@pytest.mark.parametrize("path", [*MODULES, *SHEETS], ids=lambda path: path.name)
def test_our_sources_are_such_that_leaving_out_is_safe(path: Path) -> None:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        place = f"{path.name}:{number}"
        assert line.count("`") % 2 == 0, f"{place}: a template goes over several lines"
        assert not re.search(r"\$\{[^}`]*`", line), f"{place}: a template in a template"
        bare = re.sub(r'/\*\* .*?\*/|"(?:[^"\\]|\\.)*"|`[^`]*`|/(?:[^/\\\s]|\\.)+/g?u?', "", line).strip()
        assert not re.search(r"\S\s*(?://|/\*)", bare), f"{place}: a comment after code"
        assert len(line) <= 120 or path.suffix == ".css", f"{place}: {len(line)} characters"


def test_every_module_is_checked_for_types_and_no_panel_imports_another() -> None:
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("// @ts-check\n"), path.name
        if path.parent.name == "render":
            assert not re.search(r'from "\./', text), f"{path.name} imports a panel"
            assert "read.js" not in text, f"{path.name} reads documents itself"


def test_nothing_of_the_page_is_forgotten() -> None:
    script = join_modules(ENTRY, read_module, LATER)
    for path in MODULES:
        name = path.relative_to(STATIC / "js").as_posix()
        for exported in re.findall(r"^export (?:async function|function|const) (\w+)", path.read_text(), re.MULTILINE):
            assert re.search(rf"\b(?:function {exported}\(|const {exported}=)", script), f"{name}: {exported}"
    assert sorted(STYLES) == [path.name for path in SHEETS]
    assert page_styles().count(b"{") == sum(path.read_bytes().count(b"{") for path in SHEETS)


@pytest.mark.parametrize("name", sorted(MADE))
def test_what_is_made_is_served_with_a_validator(name: str) -> None:
    client: FlaskClient = create_app(DashboardState()).test_client()
    first = client.get(f"/static/{name}")
    assert first.data == MADE[name][1]()
    assert first.content_type == MADE[name][0]
    assert client.get(f"/static/{name}", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    packed = client.get(f"/static/{name}", headers={"Accept-Encoding": "gzip"})
    again = {"If-None-Match": packed.headers["ETag"], "Accept-Encoding": "gzip"}
    assert client.get(f"/static/{name}", headers=again).status_code == 304


@pytest.mark.parametrize("name", ["page.css", "icons/favicon.svg"])
@pytest.mark.parametrize(
    "headers",
    [
        {"If-Modified-Since": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"},
        {"If-Unmodified-Since": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"},
        {"Range": "bytes=0-9", "If-Range": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"},
        {"Range": "bytes=0-0,5-6"},
        {"Range": "bytes=9999999-"},
        {"If-Match": '"other"'},
        {"If-None-Match": '"\x80'},
    ],
    ids=str,
)
def test_conditions_that_no_browser_makes_give_the_whole_file(
    name: str, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    client: FlaskClient = create_app(DashboardState()).test_client()
    plain, asked = (client.get(f"/static/{name}", headers=more, buffered=True) for more in ({}, headers))

    assert (asked.status_code, asked.data) == (200, plain.data)
    assert caplog.messages == []
