// Sizes, times and counts as people read them, in a zone with a clock change: script/check_js sets TZ.

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import * as format from "../../cloudplow_dashboard/static/js/format.js";

const at = (text) => Date.parse(text) / 1000;

/** One test for each pair of what is given and what is read. */
function reads(make, pairs) {
  for (const [given, text] of pairs) it(`${JSON.stringify(given)} reads ${JSON.stringify(text)}`, () => {
    assert.equal(make(...[given].flat()), text);
  });
}

describe("bytes", () => reads(format.bytes, [
  [0, "0 B"], [-5, "0 B"], [NaN, "0 B"], [Infinity, "0 B"], [1, "1.0 B"], [1023, "1023.0 B"], [1024, "1.0 KB"],
  [1536, "1.5 KB"], [2 ** 20 - 1, "1024.0 KB"], [2 ** 20, "1.0 MB"], [750 * 2 ** 30, "750.0 GB"], [2 ** 40, "1.0 TB"],
  [2 ** 50, "1.0 PB"], [2 ** 62, "4096.0 PB"],
]));

describe("speed", () => reads(format.speed, [[0, "-"], [-1, "-"], [NaN, "-"], [0.4, "stalled"], [2048, "2.0 KB/s"]]));

describe("a duration", () => reads(format.duration, [
  [-1, "-"], [0, "-"], [0.99, "-"], [NaN, "-"], [1, "1s"], [59.9, "59s"], [60, "1m 0s"], [243, "4m 3s"],
  [3599, "59m 59s"], [3600, "1h 0m"], [7620, "2h 7m"], [180_000, "50h 0m"], [72 * 3600 - 1, "71h 59m"],
  [72 * 3600, "3d 0h"], [40 * 86_400 + 7200, "40d 2h"],
]));

describe("a sentence of the server", () => {
  // The server is in New York, the viewer in Berlin: 6 hours apart in winter.
  const noon = Date.UTC(2026, 1, 10, 12) / 1000;
  for (const [text, said] of [
    ["paused by anna until 08:05", "paused by anna until 14:05"],
    ["waiting: 212.0 GB of 400.0 GB, next check 18:40", "waiting: 212.0 GB of 400.0 GB, next check 00:40 on Wed"],
    ["Uploads are suspended until Wed 2026-02-11 20:00: why", "Uploads are suspended until 02:00 on Thu: why"],
    ["no network (since 05:58, next try 06:03)", "no network (since 11:58, next try 12:03)"],
    ["at 2026-02-10T07:30 it began", "at 13:30 it began"],
    ["outside 01:00-06:00, opens at 01:00", "outside 01:00-06:00, opens at 01:00 (the server's time)"],
    ["outside 01:00-06:00, opens at Wed 2026-02-11 01:00",
      "outside 01:00-06:00, opens at 01:00 on Wed (the server's time)"],
    ["Stage 1 finished in 12:30 of film 10:15", "Stage 1 finished in 12:30 of film 10:15"],
    ["at 99:99", "at 99:99"],
    ["stopped at 12:30.mkv", "stopped at 12:30.mkv"],
  ]) it(`has the viewer's times: ${text}`, () => assert.equal(format.localTimes(text, noon, -5 * 3600, noon), said));
});

it("hours of a day need no word about the server in its own zone", () => {
  const text = "outside 01:00-06:00, opens at 01:00";
  const noon = Date.UTC(2026, 1, 10, 12) / 1000;
  assert.equal(format.localTimes(text, noon, 3600, noon), text);
  const tomorrow = "outside 01:00-06:00, opens at Wed 2026-02-11 01:00";
  assert.equal(format.localTimes(tomorrow, noon, 3600, noon), "outside 01:00-06:00, opens at 01:00 on Wed");
});

describe("what is left of the time", () => reads(format.timeLeft, [
  [-1, "-"], [0.2, "1s"], [90, "1m 30s"], [30 * 86_400, "30d 0h"], [30 * 86_400 + 1, "> 30 days"], [3e11, "> 30 days"],
]));

describe("a count", () => reads(format.count, [[0, "0"], [-3, "0"], [NaN, "0"], [1204.4, "1,204"], [1e6, "1,000,000"]]));

describe("a number of things", () => reads(format.plural, [
  [[0, "file"], "0 files"], [[1, "file"], "1 file"], [[1204, "file"], "1,204 files"],
  [[1, "stream is", "streams are"], "1 stream is"], [[2, "stream is", "streams are"], "2 streams are"],
]));

describe("a share", () => reads(format.percent, [
  [0, "0.0%"], [0.4321, "43.2%"], [0.9999, "99.9%"], [1, "100.0%"], [1.5, "100.0%"], [-1, "0.0%"], [NaN, "0.0%"],
  [[0.999, 0], "99%"], [[0.29, 0], "29%"], [[1, 0], "100%"],
]));

describe("a time of day", () => {
  const noon = at("2026-03-10T12:00:00+01:00");
  it("is in Berlin, or nothing below is true", () => {
    assert.equal(Intl.DateTimeFormat().resolvedOptions().timeZone, "Europe/Berlin");
  });
  reads((time, now = noon) => format.clock(time, now), [
    [0, ""], [-1, ""], [NaN, ""], [1e300, ""],
    [noon, "12:00"],
    [at("2026-03-10T23:59:59+01:00"), "23:59"],
    [at("2026-03-11T00:00:00+01:00"), "Wed 00:00"],
    [at("2026-03-10T00:00:00+01:00"), "00:00"],
    [at("2026-03-09T23:59:00+01:00"), "Mon 23:59"],
    [at("2026-03-16T12:00:00+01:00"), "Mon 12:00"],
    [at("2026-03-17T12:00:00+01:00"), "17 Mar, 12:00"],
    [at("2026-03-04T08:05:00+01:00"), "Wed 08:05"],
    [at("2026-03-03T08:05:00+01:00"), "3 Mar, 08:05"],
    [at("2025-01-01T08:05:00+01:00"), "1 Jan 2025"],
  ]);
  for (const [time, read] of [
    [0, ""], [1e300, ""],
    [noon, "12:00"],
    [at("2026-03-11T00:00:00+01:00"), "00:00 on Wed"],
    [at("2026-03-17T12:00:00+01:00"), "12:00 on 17 Mar"],
    [at("2025-01-01T08:05:00+01:00"), "08:05 on 1 Jan 2025"],
  ]) {
    it(`in a sentence reads "${read}"`, () => assert.equal(format.moment(time, noon), read));
  }
  it("counts days across the night in which the clocks go forward", () => {
    const before = at("2026-03-28T23:30:00+01:00");
    assert.equal(format.clock(at("2026-03-29T03:30:00+02:00"), before), "Sun 03:30");
    assert.equal(format.clock(at("2026-03-28T00:10:00+01:00"), before), "00:10");
  });
  it("goes with seconds, and without a day", () => {
    assert.equal(format.clockSeconds(at("2026-03-11T00:00:07+01:00"), noon), "Wed 00:00:07");
    assert.equal(format.clockSeconds(0, noon), "");
    assert.equal(format.clockOnly(at("2026-03-11T00:00:07+01:00")), "00:00");
    assert.equal(format.clockOnly(1e300), "");
  });
  it("stands in full in tooltips, and for machines in UTC", () => {
    assert.match(format.fullTime(noon), /^Tuesday,? 10 March 2026 at 12:00:00/);
    assert.equal(format.isoTime(noon), "2026-03-10T11:00:00.000Z");
    assert.equal(format.fullTime(0) + format.isoTime(-1) + format.isoTime(1e300), "");
  });
});
