import { Check, Copy } from "lucide-react";
import { memo, useEffect, useState, type ReactNode } from "react";
import { iconLook } from "./button.tsx";
import { copyText } from "./copy-text.ts";
import { complain } from "./toasts.tsx";

const SHOWN_MS = 1500;

interface CopyProps {
  /** A function where it takes time to write: it is called when somebody copies. */
  readonly text: string | (() => string);
  readonly label?: string;
}

/** Puts a text on the clipboard. */
export const CopyButton = memo(function CopyButton({ text, label = "Copy" }: CopyProps): ReactNode {
  const [isDone, setDone] = useState(false);
  useEffect(() => {
    if (!isDone) return;
    const timer = setTimeout(() => setDone(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isDone]);
  const copy = (): void => void copyText(typeof text === "string" ? text : text()).then(() => setDone(true), complain);
  const now = isDone ? "Copied" : label;
  // The browser's own hint: there is one of these in every row of long lists, and it costs nothing until it is pointed at.
  return (
    <button type="button" aria-label={now} title={now} onClick={copy} className={iconLook()}>
      {isDone ? <Check aria-hidden className="size-3.5 text-green" /> : <Copy aria-hidden className="size-3.5" />}
    </button>
  );
});
