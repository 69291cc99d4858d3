// @ts-check
// The document that the server describes, and how patches change it. No rendering, no transport.

/**
 * Apply a JSON Merge Patch (RFC 7396); returns the new value and leaves `target` as it was.
 * Objects have no prototype: a file called "__proto__" is a key like any other.
 * @param {any} target
 * @param {any} patch
 * @returns {any}
 */
export function mergePatch(target, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const result = Object.create(null);
  if (target !== null && typeof target === "object" && !Array.isArray(target)) {
    for (const key of Object.keys(target)) result[key] = target[key];
  }
  for (const key of Object.keys(patch)) {
    if (patch[key] === null) delete result[key];
    else result[key] = mergePatch(result[key], patch[key]);
  }
  return result;
}

/**
 * Holds the newest document and tells `onChange` about each new one.
 * @param {() => void} onChange
 */
export function createStore(onChange) {
  /** @type {Partial<StateDocument>} */
  let current = Object.create(null);

  return {
    get document() {
      return current;
    },
    get version() {
      return current.version;
    },
    /**
     * Take a whole document; an older one of the same process is ignored.
     * @param {Partial<StateDocument>} document
     */
    replace(document) {
      const { boot, version } = document;
      if (boot === current.boot && typeof version === "number" && version < (current.version ?? 0)) return;
      current = mergePatch(undefined, document);
      onChange();
    },
    /**
     * Take the patch that leads to the next version; one that has been applied already is ignored. False when it
     * belongs to another document than the one that is here (a version is missing between, or another process made
     * it): then it changes nothing, and the whole document is needed. boot: of which process it is, "" when not told.
     * @param {StatePatch} patch
     */
    patch(patch, boot = "") {
      const { version } = patch;
      if (typeof version !== "number" || current.version === undefined) return false;
      if (boot && boot !== current.boot) return false;
      if (version <= current.version) return true;
      if (version !== current.version + 1) return false;
      current = mergePatch(current, patch);
      onChange();
      return true;
    },
  };
}
