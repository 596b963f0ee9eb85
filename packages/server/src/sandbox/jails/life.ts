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

const QUOTA_LOOK_MS = 2_000;

/** Watches a jail's idle time, its lifetime and its volume, and says once what went over its bound. */
export function watchLife({ idleTimeoutMs, lifetimeMs, volume }: JailSpec, end: (reason: EndingReason) => void): JailLife {
  const timers: NodeJS.Timeout[] = [];
  let idle: NodeJS.Timeout | undefined;
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
      if ((await folderBytes(path)) > quotaBytes) end("policy");
    };
    timers.push(setInterval(() => void look(), QUOTA_LOOK_MS));
  }
  return {
    touch,
    over() {
      clearTimeout(idle);
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
