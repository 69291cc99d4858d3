// The document that the server describes, and how patches change it. No rendering, no transport.

/**
 * Apply a JSON Merge Patch (RFC 7396); returns the new value and leaves `target` as it was.
 * Objects have no prototype: a file called "__proto__" is a key like any other.
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

/** Holds the newest document and tells `onChange` about each new one. */
export function createStore(onChange) {
  let current = Object.create(null);
  const isOlder = (message) =>
    message.boot === current.boot && typeof message.version === "number" && message.version < current.version;

  return {
    get document() {
      return current;
    },
    get version() {
      return current.version;
    },
    /** Take a whole document; an older one of the same process is ignored. */
    replace(document) {
      if (isOlder(document)) return;
      current = mergePatch(undefined, document);
      onChange();
    },
    /** Take a merge patch; one that has been applied already is ignored. */
    patch(patch) {
      if (typeof patch.version === "number" && patch.version <= current.version) return;
      current = mergePatch(current, patch);
      onChange();
    },
  };
}
