import { useRef, useState, type FocusEvent, type KeyboardEvent } from "react";

/** What an entry of the group needs. */
interface RovingProps {
  readonly tabIndex: 0 | -1;
  readonly onFocus: (event: FocusEvent) => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

const STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/**
 * Many things as one stop of the Tab key: arrows go from one to the next, Home and End to the first and the last. Entries are those within
 * `box` that carry `data-roving`, in their order on the page.
 */
export function useRoving<E extends Element>(): {
  readonly box: React.RefObject<E | null>;
  readonly propsOf: (index: number) => RovingProps & { readonly "data-roving": true };
} {
  const box = useRef<E>(null);
  const [current, setCurrent] = useState(0);
  const onKeyDown = (event: KeyboardEvent): void => {
    const all = [...(box.current?.querySelectorAll<HTMLElement | SVGElement>("[data-roving]") ?? [])];
    const at = all.findIndex((one) => one === event.currentTarget);
    const step = STEPS[event.key];
    const next = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : step === undefined ? -1 : at + step;
    if (all[next] === undefined) return;
    event.preventDefault();
    all[next].focus();
  };
  return {
    box,
    propsOf: (index) => ({
      "data-roving": true,
      tabIndex: index === current ? 0 : -1,
      onFocus: () => setCurrent(index),
      onKeyDown,
    }),
  };
}
