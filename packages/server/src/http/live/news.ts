import type { Json } from "@tutti/core";

/** What a feed tells, one after the other. `position` is what `after` must be to go on from there. */
export type News =
  | { readonly type: "subscribed"; readonly position: number }
  | { readonly type: "frame"; readonly position: number; readonly data: Json }
  | { readonly type: "reset"; readonly position: number; readonly reason: string }
  | { readonly type: "ended" }
  | "heartbeat";
