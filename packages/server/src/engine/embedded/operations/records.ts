import type { Json } from "@tutti/core";
import type { Operation } from "../operation.ts";
import { done, type Workbench } from "./workbench.ts";

/** A value that is made now and never again. */
export function record(bench: Workbench, { kind, name }: Pick<Operation, "kind" | "name">, value: () => Json): Operation {
  return { kind, name, perform: () => Promise.resolve(done(bench, bench.clock.nowMs(), value())) };
}

/** Publishes an event. */
export function emit(bench: Workbench, event: { readonly name: string; readonly data: Json; readonly key?: string }): Operation {
  return {
    kind: "emit",
    name: event.name,
    perform: () => Promise.resolve({ ...done(bench, bench.clock.nowMs(), event.data), partitionKey: event.key, ...bench.taint.field }),
  };
}
