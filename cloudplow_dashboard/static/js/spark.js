// @ts-check
// The speed of the last minutes as a small line, from what this page has seen.

import { setAttr, svg } from "./dom.js";

export const LINE_SECONDS = 180;
const MAX_SAMPLES = 400;
const WIDTH = 240;
const HEIGHT = 48;

/** Returns {node, before(samples), add(at, value), draw(now), clear(), peak}. */
export function spark() {
  const area = svg("path.spark__area");
  const line = svg("path.spark__line", { "vector-effect": "non-scaling-stroke" });
  const node = svg("svg.spark", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true",
  }, area, line);
  /** @type {{ at: number, value: number }[]} */
  let samples = [];
  let scale = 0;

  /** @param {number} value */
  function height(value) {
    return HEIGHT - 2 - (value / scale) * (HEIGHT - 6);
  }

  return {
    node,
    /**
     * What was measured before the first sample that is here, oldest first.
     * @param {{ at: number, value: number }[]} earlier
     */
    before(earlier) {
      const first = samples.length ? samples[0].at : Infinity;
      samples = [...earlier.filter((one) => one.at < first), ...samples].slice(-MAX_SAMPLES);
    },
    /** @param {number} at @param {number} value */
    add(at, value) {
      const last = samples[samples.length - 1];
      if (at <= 0 || (last && at <= last.at)) return;
      samples.push({ at, value });
      if (samples.length > MAX_SAMPLES) samples = samples.slice(-MAX_SAMPLES);
    },
    clear() {
      samples = [];
      scale = 0;
    },
    draw() {
      const newest = samples.length ? samples[samples.length - 1].at : 0;
      samples = samples.filter((sample) => sample.at >= newest - LINE_SECONDS);
      const peak = Math.max(0, ...samples.map((sample) => sample.value));
      // The scale grows at once and shrinks only when the line has become small, so that it does not breathe.
      if (peak > scale || peak < scale * 0.5) scale = peak * 1.1;
      if (samples.length < 2 || scale <= 0) {
        setAttr(line, "d", null);
        setAttr(area, "d", null);
        return;
      }
      const points = samples.map((sample) => {
        const x = WIDTH - ((newest - sample.at) / LINE_SECONDS) * WIDTH;
        return `${x.toFixed(1)} ${height(sample.value).toFixed(1)}`;
      });
      const start = points[0].split(" ")[0];
      setAttr(line, "d", `M${points.join("L")}`);
      setAttr(area, "d", `M${start} ${HEIGHT}L${points.join("L")}L${WIDTH} ${HEIGHT}Z`);
    },
    get peak() {
      if (samples.length < 2) return 0;
      return Math.max(0, ...samples.map((sample) => sample.value));
    },
  };
}
