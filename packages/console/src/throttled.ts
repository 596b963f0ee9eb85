import { useCallback, useEffect, useEffectEvent, useRef } from "react";

/** Calls at most once in so many ms, the last time after the last call: for reading again what a busy feed says has changed. */
export function useThrottled(act: () => void, ms: number): () => void {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const onTime = useEffectEvent(act);
  const due = useRef(() => undefined as void);
  useEffect(() => {
    due.current = () => {
      timer.current ??= setTimeout(() => {
        timer.current = undefined;
        onTime();
      }, ms);
    };
    return () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    };
  }, [ms]);
  return useCallback(() => due.current(), []);
}
