// @ts-check
// Reading a document that may lack anything: a missing value is 0, "", {} or [], never an exception.

/**
 * A finite number.
 * @param {unknown} value
 */
export function num(value, fallback = 0) {
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
}

/**
 * A text.
 * @param {unknown} value
 */
export function str(value, fallback = "") {
  return typeof value === "string" ? value : fallback;
}

/**
 * An object that is no array; its values may be anything.
 * @template T
 * @param {T} value
 * @returns {Partial<NonNullable<T>>}
 */
export function obj(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
}

/**
 * The members of a collection in order: of an array, or of an object whose keys are growing numbers.
 * @template T
 * @param {Record<string, T> | T[] | undefined} value
 * @returns {T[]}
 */
export function members(value) {
  if (Array.isArray(value)) return value;
  return Object.values(/** @type {Record<string, T>} */ (obj(value)));
}

/**
 * An array.
 * @template T
 * @param {T[] | undefined} value
 * @returns {T[]}
 */
export function list(value) {
  return Array.isArray(value) ? value : [];
}

/** @param {unknown} value @param {unknown} fallback */
function isLike(value, fallback) {
  return typeof value === typeof fallback && value !== null && !Number.isNaN(value)
    && Array.isArray(value) === Array.isArray(fallback);
}

/**
 * The values of a document that are named here, in our spelling (started_at as startedAt), each of the kind of its
 * fallback and else that fallback.
 * @template T
 * @template {Partial<Spelled<T>>} F
 * @param {T | undefined} document
 * @param {F} fallbacks
 * @returns {Pick<Required<Spelled<T>>, keyof F & keyof Spelled<T>>}
 */
export function read(document, fallbacks) {
  /** @type {any} */
  const source = obj(document);
  /** @type {any} */
  const found = {};
  for (const [name, fallback] of Object.entries(fallbacks)) {
    const value = source[name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
    found[name] = isLike(value, fallback) ? value : fallback;
  }
  return found;
}
