/** More than a person types while a field comes. */
const HELD_MAX = 200;

let held = "";

/**
 * Holds what is typed until the palette's field is there, for whoever types on at once: those letters are meant for it, and are no keys of
 * the page. Escape is passed on. The function that is returned lets go of the keyboard.
 */
export function holdKeys(onEscape: () => void): () => void {
  held = "";
  const onKey = (event: KeyboardEvent): void => {
    const { key, ctrlKey, metaKey, altKey } = event;
    // Once the palette has the keyboard, keys are its own; and those of the browser stay the browser's.
    if (document.activeElement?.closest("[role=dialog]") != null || ctrlKey || metaKey || altKey) return;
    if (key === "Escape") onEscape();
    else if (key === "Backspace") held = held.slice(0, -1);
    else if (key.length === 1) held = (held + key).slice(0, HELD_MAX);
    else if (key !== "Enter" && key !== "Tab") return;
    event.preventDefault();
    event.stopPropagation();
  };
  addEventListener("keydown", onKey, { capture: true });
  return () => removeEventListener("keydown", onKey, { capture: true });
}

/** What was typed since, once: it is for whoever takes it. */
export function takeHeld(): string {
  const text = held;
  held = "";
  return text;
}
