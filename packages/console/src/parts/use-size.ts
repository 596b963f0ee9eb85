import { useEffect, useRef, useState, type RefObject } from "react";

/** How large something is on the page, in CSS pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Follows the size of an element; until it is on the page it is taken to be `first`. */
export function useSize<E extends Element>(first: Size): { readonly element: RefObject<E | null>; readonly size: Size } {
  const element = useRef<E>(null);
  const [size, setSize] = useState(first);
  useEffect(() => {
    const { current } = element;
    if (current === null) return;
    const observer = new ResizeObserver(() => {
      const { width, height } = current.getBoundingClientRect();
      if (width > 0 && height > 0) setSize({ width, height });
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  return { element, size };
}
