// Where the panels stand on a wide screen.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { arranged } from "../../cloudplow_dashboard/static/js/columns.js";

/** A panel of this height, in rem; home: the column it is written in. */
const panel = (home, height, more = {}) => ({ home, height, slack: 0, free: false, ...more });
const chart = panel(1, 24, { free: true, slack: 18 });
const past = panel(2, 31, { free: true });

describe("the columns", () => {
  it("leave every panel where it is written while that is no shorter elsewhere", () => {
    assert.deepEqual(arranged([panel(0, 40), panel(1, 20), chart, past, panel(2, 10)], 3), [0, 1, 1, 2, 2]);
  });
  it("let a chart stand where there is room", () => {
    assert.deepEqual(arranged([panel(0, 7), panel(1, 81), chart], 2), [0, 1, 0]);
  });
  it("share the first of two with what is past", () => {
    assert.deepEqual(arranged([panel(0, 40), panel(1, 80), past], 2), [0, 1, 0]);
  });
  it("do not move a panel for next to nothing", () => {
    assert.deepEqual(arranged([panel(0, 20), panel(1, 1), panel(1, 20, { free: true })], 2), [0, 1, 1]);
  });
  it("leave what somebody uses where it is", () => {
    assert.deepEqual(arranged([panel(0, 7), panel(1, 81), { ...chart, free: false }], 2), [0, 1, 1]);
  });
  it("put everything below each other where there is one", () => {
    assert.deepEqual(arranged([panel(0, 7), panel(1, 81), chart, past], 1), [0, 0, 0, 0]);
  });
});
