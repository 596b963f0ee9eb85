import type { JailSpec, SandboxReason } from "@tutti/core/sandbox";
import { folderBytes } from "../shared/folder.ts";

/** Why a jail was ended from outside. */
export type EndingReason = Exclude<SandboxReason, "exit">;

/** What bounds a jail from outside, whatever holds it. */
export interface JailLife {
  /** Somebody said something: the idle time begins anew. */
  touch(): void;
  /** The jail has ended; nothing is watched any more. */
  over(): void;
}

const QUOTA_LOOK_MS = 200;
/** A large folder takes long to look at: so many times as long passes until the next look. */
const LOOK_SHARE = 20;

/** Watches a jail's idle time, its lifetime and its volume, and says once what went over its bound. */
export function watchLife({ idleTimeoutMs, lifetimeMs, volume }: JailSpec, end: (reason: EndingReason) => void): JailLife {
  const timers: NodeJS.Timeout[] = [];
  let idle: NodeJS.Timeout | undefined;
  let watching: NodeJS.Timeout | undefined;
  let isOver = false;
  const touch = (): void => {
    if (idleTimeoutMs === undefined) return;
    clearTimeout(idle);
    idle = setTimeout(() => end("timeout"), idleTimeoutMs);
  };
  touch();
  if (lifetimeMs !== undefined) timers.push(setTimeout(() => end("timeout"), lifetimeMs));
  if (volume !== undefined) {
    const { path, quotaBytes } = volume;
    // No kernel bounds a folder on a disk that others use too, so somebody has to look; one file is bounded by an rlimit.
    const look = async (): Promise<void> => {
      const beganMs = performance.now();
      if ((await folderBytes(path)) > quotaBytes) return end("policy");
      if (!isOver) watching = setTimeout(() => void look(), Math.max(QUOTA_LOOK_MS, LOOK_SHARE * (performance.now() - beganMs)));
    };
    watching = setTimeout(() => void look(), QUOTA_LOOK_MS);
  }
  return {
    touch,
    over() {
      isOver = true;
      clearTimeout(idle);
      clearTimeout(watching);
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
