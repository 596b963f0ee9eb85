import { enforce, type Principal } from "@tutti/core";
import type { App } from "../../host/index.ts";

/** Counting asks nobody, but it is for those who may ask. */
export function requireModel({ registry }: Pick<App, "registry">, principal: Principal, model: string): void {
  const action = { kind: "model.generate", principal, resource: model } as const;
  enforce(action, registry.decide(action));
}
