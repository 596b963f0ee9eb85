import { useEffect, useRef, type RefObject } from "react";

/** Always the newest of what each drawing gives: for handlers that live longer than a drawing. What effects call is a `useEffectEvent`. */
export function useLatest<T>(value: T): Readonly<RefObject<T>> {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}
