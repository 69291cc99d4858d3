// The connection: when the whole document is asked for. The network is a fake, everything else is real.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";

import { createLive } from "../../cloudplow_dashboard/static/js/live.js";
import { createStore } from "../../cloudplow_dashboard/static/js/state.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));

class FakeStream extends EventTarget {
  static CLOSED = 2;
  static all = [];

  constructor(url) {
    super();
    this.url = url;
    FakeStream.all.push(this);
  }

  send(type, data, lastEventId) {
    this.dispatchEvent(Object.assign(new Event(type), { data: JSON.stringify(data), lastEventId }));
  }

  close() {}
}

describe("a patch that does not follow", () => {
  const real = { EventSource: globalThis.EventSource, fetch: globalThis.fetch };
  let store;
  let live;
  let answers;
  let asked;

  beforeEach(() => {
    FakeStream.all = [];
    asked = 0;
    answers = [];
    globalThis.EventSource = FakeStream;
    globalThis.fetch = async () => {
      asked += 1;
      const answer = await answers.shift();
      if (!answer) throw new TypeError("network");
      return new Response(JSON.stringify(answer), { headers: { ETag: `"${answer.version}"` } });
    };
    store = createStore(() => {});
    store.replace({ boot: "b1", version: 5, x: 5 });
    live = createLive({
      eventsUrl: "events", stateUrl: "state", interval: () => 1, busy: () => true,
      onSnapshot: (document) => store.replace(document),
      onPatch: (patch, boot) => store.patch(patch, boot),
      onStatus: () => {},
      version: () => store.version,
      boot: () => store.document.boot,
    });
    live.open();
  });

  afterEach(() => {
    live.close();
    Object.assign(globalThis, real);
  });

  const stream = () => FakeStream.all.at(-1);

  it("is not asked about when all follow each other", async () => {
    assert.equal(stream().url, "events?last_event_id=b1:5");
    stream().send("patch", { version: 6, x: 6 }, "b1:6");
    stream().send("patch", { version: 7, x: 7 }, "b1:7");
    await settled();
    assert.equal(asked, 0);
    assert.equal(store.document.x, 7);
  });

  it("asks for the whole, and goes on from there", async () => {
    answers = [{ boot: "b1", version: 8, x: 8 }];
    stream().send("patch", { version: 8, y: 8 }, "b1:8");
    await settled();
    assert.equal(asked, 1);
    assert.deepEqual({ ...store.document }, { boot: "b1", version: 8, x: 8 });
    stream().send("patch", { version: 9, x: 9 }, "b1:9");
    await settled();
    assert.equal(asked, 1);
    assert.equal(store.document.x, 9);
    assert.equal(live.status.mode, "live");
  });

  it("asks when it is of another process", async () => {
    answers = [{ boot: "b2", version: 2, x: 2 }];
    stream().send("patch", { version: 6, x: 6 }, "b2:6");
    await settled();
    assert.equal(asked, 1);
    assert.equal(store.document.boot, "b2");
  });

  it("asks once at a time, and once more for what came meanwhile", async () => {
    let arrive;
    answers = [new Promise((resolve) => { arrive = resolve; }), { boot: "b1", version: 10, x: 10 }];
    stream().send("patch", { version: 8, x: 8 }, "b1:8");
    stream().send("patch", { version: 9, x: 9 }, "b1:9");
    stream().send("patch", { version: 10, x: 10 }, "b1:10");
    await settled();
    assert.equal(asked, 1);
    arrive({ boot: "b1", version: 8, x: 8 });
    await settled();
    await settled();
    assert.equal(asked, 2);
    assert.equal(store.version, 10);
  });

  it("connects anew when the whole does not come", async () => {
    stream().send("patch", { version: 8, x: 8 }, "b1:8");
    await settled();
    assert.equal(FakeStream.all.length, 2);
    assert.equal(stream().url, "events?last_event_id=b1:5");
    assert.equal(live.status.mode, "reconnecting");
  });
});
