import { useEffect, useRef, useState } from "react";

/** How often what is asked of the server about a run under way is asked again, and of one whose log takes the server longer to read. */
const CALM_MS = 1000;
const LARGE_CALM_MS = 5000;
const LARGE_LOG = 1500;

/** How far a run's log has come, but not newer at every frame: what is asked of the server about it is asked no more often. */
export function useCalm(events: number): number {
  const [calm, setCalm] = useState(events);
  const changedAtMs = useRef(Number.NEGATIVE_INFINITY);
  useEffect(() => {
    const everyMs = events > LARGE_LOG ? LARGE_CALM_MS : CALM_MS;
    const timer = setTimeout(
      () => {
        changedAtMs.current = performance.now();
        setCalm(events);
      },
      Math.max(0, changedAtMs.current + everyMs - performance.now()),
    );
    return () => clearTimeout(timer);
  }, [events]);
  return calm;
}
