// @ts-check
// What waits, and how large it is.

import { num, obj, read } from "../read.js";

export const RANKS = [50, 75, 90, 95, 99];
const BUCKETS = ["0-100MB", "100MB-1GB", "1GB-10GB", "10GB-50GB", "50GB+"];
/** Where they begin, in MiB, and where the last is made to end. */
const EDGES = [1, 100, 1024, 10240, 51200, 102400];
const MIB = 2 ** 20;
const QUEUE = {
  available: false, files: 0, bytes: 0, listedFiles: 0, listedBytes: 0, confidence: "", durationSeconds: 0,
  learnedAt: 0,
};

/**
 * @param {QueueDocument | undefined} document
 * @returns {Queue}
 */
export function readQueue(document) {
  const distribution = obj(obj(document).distribution);
  const buckets = obj(distribution.size_buckets);
  const names = [...new Set([...BUCKETS, ...Object.keys(buckets)])].filter((name) => Object.hasOwn(buckets, name));
  return {
    ...read(document, QUEUE),
    ...read(distribution, { maxFileSize: 0, oldestModifiedAt: 0, oldestFile: "" }),
    samples: num(obj(distribution.metadata).sample_count),
    percentiles: RANKS.map((rank) => num(obj(distribution.percentiles)[`p${rank}`])),
    buckets: names.map((name) => ({ name, ...read(buckets[name], { count: 0, totalBytes: 0, percentage: 0 }) })),
    bins: readBins(distribution),
  };
}

/**
 * How many files are of which sizes, from the smallest to the largest; in buckets where an older version listed.
 * @param {Partial<DistributionDocument>} distribution
 */
function readBins(distribution) {
  const buckets = obj(distribution.size_buckets);
  const { fromBytes, counts } = read(distribution.size_histogram, { fromBytes: 0, counts: [] });
  const bins = counts.length
    ? counts.map((files, place) => (
      { from: fromBytes * 2 ** (place - 1), to: fromBytes * 2 ** place, files: num(files) }))
    : BUCKETS.map((name, place) => (
      { from: EDGES[place] * MIB, to: EDGES[place + 1] * MIB, files: num(obj(buckets[name]).count) }));
  return bins.filter((bin) => bin.from > 0 && bin.files > 0);
}
