import { line } from "d3-shape";
import type { ReactNode } from "react";
import { COLOUR, type Accent } from "./tones.ts";

const WIDTH = 120;
const HEIGHT = 28;

/** A small line beside a number that says how it came to be. It says nothing that the number's own text does not. */
export function Sparkline({ values, accent = "blue" }: { readonly values: readonly number[]; readonly accent?: Accent }): ReactNode {
  const max = Math.max(1e-9, ...values);
  const path = line<number>()
    .x((_, index) => (values.length < 2 ? 0 : (index / (values.length - 1)) * WIDTH))
    .y((value) => HEIGHT - 2 - (value / max) * (HEIGHT - 4))([...values]);
  return (
    <svg aria-hidden viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" className="h-7 w-full">
      <path d={path ?? ""} fill="none" stroke={COLOUR[accent]} strokeWidth={1.5} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
