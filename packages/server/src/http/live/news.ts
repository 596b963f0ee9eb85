import type { Json } from "@tutti/core";
import type { LiveFrames, LiveNews } from "@tutti/core/wire";
import type { approvalOf } from "../routes/approvals.ts";

/** What a feed tells, one after the other. */
export type News = LiveNews | "heartbeat";

/** What frames hold, by topic. */
export type Frames = LiveFrames<ReturnType<typeof approvalOf>>;

/** A frame as it is told. */
export function frameOf(position: number, data: Frames[keyof Frames]): News {
  return { type: "frame", position, data: data as unknown as Json };
}
