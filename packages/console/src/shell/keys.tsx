import type { ReactNode } from "react";

const isApple = /mac|iphone|ipad/i.test(navigator.userAgent);

/** Keys as they are printed on the keyboard. */
export function Keys({ keys }: { readonly keys: string }): ReactNode {
  return (
    <span className="inline-flex gap-0.5">
      {keys.split(" ").map((key, place) => (
        <kbd key={place} className="rounded border border-line bg-ground-2 px-1 font-mono text-[11px] text-ink-2">
          {key.replace("mod+", isApple ? "⌘" : "Ctrl ").replace(/\b[a-z]$/, (letter) => letter.toUpperCase())}
        </kbd>
      ))}
    </span>
  );
}
