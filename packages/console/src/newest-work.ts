import { useEffect, useMemo, useRef } from "react";

/** Work of which only the newest counts. */
interface NewestWork {
  /** Ends the work before; the signal ends this one. */
  readonly begin: () => AbortSignal;
  readonly end: () => void;
}

/** Requests that follow each other for a while: they end when others begin in their place, and when the page is left. */
export function useNewestWork(): NewestWork {
  const controller = useRef<AbortController>(undefined);
  useEffect(() => () => controller.current?.abort(), []);
  return useMemo(() => {
    const end = (): void => controller.current?.abort();
    const begin = (): AbortSignal => {
      end();
      controller.current = new AbortController();
      return controller.current.signal;
    };
    return { begin, end };
  }, []);
}
