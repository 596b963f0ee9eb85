import type { Policy } from "@tutti/core";
import type { Keys } from "./keys.ts";
import { MODEL_USER } from "./virtual-key.ts";

const SHOWN_MAX = 5;

/** What holders of keys may do: use the models that their key names. All else is left to default deny. */
export function keyPolicy(keys: Keys): Policy {
  return ({ kind, principal, resource }) => {
    if (kind !== "model.generate" || !principal.roles.includes(MODEL_USER)) return undefined;
    const key = keys.keyOf(principal);
    if (key === undefined) return { effect: "deny", reason: `there is no key of "${principal.id}" any more`, rule: "key" };
    // What was begun with a key, such as a batch, does not outlive it.
    const status = keys.statusOf(key);
    if (status !== "active") return { effect: "deny", reason: `the key "${key.name}" (${key.id}) is ${status}`, rule: "key" };
    if (keys.allowsModel(principal, resource)) return { effect: "allow", reason: `the key "${key.name}" may use this model`, rule: "key" };
    const models = key.models ?? [];
    const shown = models.slice(0, SHOWN_MAX).join(", ") + (models.length > SHOWN_MAX ? ", …" : "");
    return {
      effect: "deny",
      reason: `the key "${key.name}" (${key.id}) may not use the model "${resource}", only ${shown === "" ? "none" : shown}`,
      rule: "key-models",
    };
  };
}
