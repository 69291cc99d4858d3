// Reading a document that may lack anything: a missing value is 0, "", {} or [], never an exception.

/** A finite number. */
export function num(value, fallback = 0) {
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
}

/** A text. */
export function str(value, fallback = "") {
  return typeof value === "string" ? value : fallback;
}

/** An object that is no array; its values may be anything. */
export function obj(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
}

/** The members of a collection in order: of an array, or of an object whose keys are growing numbers. */
export function members(value) {
  return Array.isArray(value) ? value : Object.values(obj(value));
}

/** An array. */
export function list(value) {
  return Array.isArray(value) ? value : [];
}

/**
 * The values of a document that are named here, in our spelling (started_at as startedAt), each of the kind of its
 * fallback and else that fallback.
 */
export function read(document, fallbacks) {
  const found = {};
  for (const [name, fallback] of Object.entries(fallbacks)) {
    const value = obj(document)[name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
    const usable = typeof value === typeof fallback && value !== null && !Number.isNaN(value) && Array.isArray(value) === Array.isArray(fallback);
    found[name] = usable ? value : fallback;
  }
  return found;
}
