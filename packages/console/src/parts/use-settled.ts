import { useEffect, useState } from "react";

/** How long nobody must have typed before the server is asked. */
const SETTLED_MS = 250;

/** A value as it was when it last stayed the same for a moment: whoever types asks the server when a word is whole, not at each letter. */
export function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), SETTLED_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
