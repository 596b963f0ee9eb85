import type { LiveFrames } from "@tutti/core/wire";
import type { ApprovalEntry } from "./replies.ts";

/** What a frame holds, by its topic. */
export type LiveData = LiveFrames<ApprovalEntry>;
