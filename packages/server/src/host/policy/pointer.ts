import type { Json } from "@tutti/core";

/** Finds a field of a value; `undefined` when it is not there. */
export type Pointer = (value: Json | undefined) => Json | undefined;

/** Compiles a JSON pointer (RFC 6901). */
export function jsonPointer(text: string): Pointer {
  const steps = text
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  return (value) => {
    let found = value;
    for (const step of steps) {
      if (typeof found !== "object" || found === null) return undefined;
      // "-" and names such as "length" are no items; what stands on the prototype is no field.
      if (Array.isArray(found) && !/^(?:0|[1-9]\d*)$/.test(step)) return undefined;
      if (!Object.hasOwn(found, step)) return undefined;
      found = (found as Readonly<Record<string, Json>>)[step];
    }
    return found;
  };
}
