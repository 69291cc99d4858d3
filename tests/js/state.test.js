// Merge patches, and which of them a document takes.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createStore, mergePatch } from "../../cloudplow_dashboard/static/js/state.js";

/** As text: an object without a prototype is equal to one with. */
const json = (value) => JSON.stringify(value);

describe("a merge patch", () => {
  // Source: https://www.rfc-editor.org/rfc/rfc7396#appendix-A
  for (const [target, patch, result] of [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', "{}"],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', "null", "null"],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
    ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ]) {
    it(`of ${target} with ${patch} is ${result}`, () => {
      assert.equal(json(mergePatch(JSON.parse(target), JSON.parse(patch))), result);
    });
  }

  it("leaves its target as it was", () => {
    const target = { a: { b: 1 }, c: 2 };
    mergePatch(target, { a: { b: 3 }, c: null });
    assert.deepEqual(target, { a: { b: 1 }, c: 2 });
  });

  it("takes a file called __proto__ or constructor as a name like any other", () => {
    const merged = mergePatch(JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"b":2},"constructor":3}'));
    assert.equal(json(merged), '{"__proto__":{"a":1,"b":2},"constructor":3}');
    assert.equal({}.b, undefined);
    assert.equal(json(mergePatch(merged, JSON.parse('{"__proto__":null}'))), '{"constructor":3}');
  });
});

describe("the store", () => {
  function shown(version = 5) {
    const changes = [];
    const store = createStore(() => changes.push(store.document.x));
    store.replace({ boot: "b1", version, x: version });
    return { store, changes };
  }

  it("applies the patch that follows, and tells of it", () => {
    const { store, changes } = shown();
    assert.equal(store.patch({ version: 6, x: 6 }, "b1"), true);
    assert.equal(store.version, 6);
    assert.deepEqual(changes, [5, 6]);
  });

  it("takes several frames one after the other, as they come joined", () => {
    const { store } = shown();
    assert.deepEqual([6, 7, 8].map((version) => store.patch({ version, x: version }, "b1")), [true, true, true]);
    assert.equal(store.document.x, 8);
  });

  it("needs nothing when a patch has been applied already", () => {
    const { store, changes } = shown();
    assert.equal(store.patch({ version: 5, x: 0 }, "b1"), true);
    assert.equal(store.patch({ version: 3, x: 0 }, "b1"), true);
    assert.equal(store.document.x, 5);
    assert.deepEqual(changes, [5]);
  });

  for (const [what, patch, boot] of [
    ["a version is missing between", { version: 7, x: 7 }, "b1"],
    ["another process made it", { version: 6, x: 6 }, "b2"],
    ["another process made it, though its version is older", { version: 2, x: 2 }, "b2"],
    ["it has no version", { x: 7 }, "b1"],
    ["its version is no number", { version: "6", x: 6 }, "b1"],
  ]) {
    it(`wants the whole when ${what}, and changes nothing`, () => {
      const { store, changes } = shown();
      assert.equal(store.patch(patch, boot), false);
      assert.equal(store.version, 5);
      assert.deepEqual(changes, [5]);
    });
  }

  it("wants the whole before there is a document", () => {
    assert.equal(createStore(() => {}).patch({ version: 1 }), false);
  });

  it("goes on from the whole after a gap", () => {
    const { store } = shown();
    store.patch({ version: 8, x: 8 }, "b1");
    store.replace({ boot: "b1", version: 8, x: 8 });
    assert.equal(store.patch({ version: 9, x: 9 }, "b1"), true);
    assert.equal(store.document.x, 9);
  });

  it("ignores an older document of the same process, and takes any of another", () => {
    const { store } = shown();
    store.replace({ boot: "b1", version: 3, x: 3 });
    assert.equal(store.document.x, 5);
    store.replace({ boot: "b2", version: 1, x: 1 });
    assert.equal(store.document.x, 1);
  });
});
