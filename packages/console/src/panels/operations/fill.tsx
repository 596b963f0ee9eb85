import type { ReactNode } from "react";
import { COLOUR, type Accent } from "../../parts/tones.ts";
import { count } from "../../parts/words.ts";

/** From this share on it is nearly full. */
const NEARLY = 0.9;

interface FillProps {
  readonly label: string;
  readonly value: number;
  readonly max: number;
  readonly accent: Accent;
}

/** How full something is, as a bar with its numbers. */
export function Fill({ label, value, max, accent }: FillProps): ReactNode {
  const share = max === 0 ? 0 : Math.min(1, value / max);
  const isNearlyFull = share >= NEARLY;
  return (
    <div>
      <div className="flex justify-between pb-1 text-[13px]">
        <span className="text-ink-2">{label}</span>
        <span className="tabular-nums">{`${count(value)} of ${count(max)}${share === 1 ? ", full" : isNearlyFull ? ", nearly full" : ""}`}</span>
      </div>
      <div
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={max}
        aria-valuenow={Math.min(value, max)}
        className="h-2.5 overflow-hidden rounded-full border border-line-strong bg-ground"
      >
        <div
          className="h-full forced-color-adjust-none"
          style={{ width: `${share * 100}%`, background: COLOUR[isNearlyFull ? "orange" : accent] }}
        />
      </div>
    </div>
  );
}
