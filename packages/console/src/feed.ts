import { openLive, type LiveHandlers, type LiveState, type LiveTopic } from "@tutti/client";
import type { AppError } from "@tutti/core";
import { useEffect, useEffectEvent, useSyncExternalStore } from "react";
import { nextFrame } from "./next-frame.ts";
import { baseUrl } from "./server.ts";

/** One connection for all that is live on the page. Opened when the first part asks for it. */
let opened: ReturnType<typeof openLive> | undefined;
const live = (): ReturnType<typeof openLive> => (opened ??= openLive({ baseUrl }));

/** Before any part has asked for it. */
const NOT_YET: LiveState = { status: "connecting", since: new Date().toISOString(), isSignedOut: false };

/** How the connection is, and since when. */
export function useConnection(): LiveState {
  return useSyncExternalStore(
    (listener) => {
      const listening = live().onState(listener);
      return () => listening[Symbol.dispose]();
    },
    () => opened?.state ?? NOT_YET,
  );
}

/** Tries to connect now instead of when the wait is over. */
export function reconnect(): void {
  live().retry();
}

/** Ends the connection; the next part that asks for it opens another. */
export function disconnect(): void {
  opened?.[Symbol.dispose]();
  opened = undefined;
}

interface LiveWays {
  /** The handler draws at a pace of its own, so it is told at once. */
  readonly isPaced?: boolean;
}

/**
 * Listens to a topic while the caller is on the page, and begins anew when the topic is another; null listens to nothing. Handlers may be
 * new functions at each drawing. Frames come at most every 50 ms; a handler that returns a promise is waited for, so a page that cannot
 * keep up gets fewer and larger ones.
 */
export function useLive<T extends LiveTopic>(
  topic: T | null,
  handlers: LiveHandlers<T["topic"]>,
  { isPaced = false }: LiveWays = {},
): void {
  const onStart = useEffectEvent((reason: "start" | "reset", position: number) => handlers.onStart?.(reason, position));
  const onData: typeof handlers.onData = useEffectEvent((data, position) => handlers.onData(data, position));
  const onEnd = useEffectEvent(() => handlers.onEnd?.());
  const onError = useEffectEvent((error: AppError) => handlers.onError?.(error));
  const key = JSON.stringify(topic);
  useEffect(() => {
    const asked = JSON.parse(key) as T | null;
    if (asked === null) return;
    const listening = live().subscribe(asked, {
      onStart: (reason, position) => onStart(reason, position),
      onData: async (data, position) => {
        if (!isPaced) await nextFrame();
        await onData(data, position);
      },
      onEnd: () => onEnd(),
      onError: (error) => onError(error),
    });
    return () => listening[Symbol.dispose]();
  }, [key, isPaced]);
}
