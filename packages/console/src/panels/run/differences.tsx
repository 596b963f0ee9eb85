import type { Json } from "@tutti/core";
import type { JsonDiff } from "@tutti/core/insight";
import type { ReactNode } from "react";

interface DifferencesProps {
  readonly label: string;
  readonly diff: JsonDiff;
  /** What the two sides are called. */
  readonly sides: readonly [a: string, b: string];
}

/** The places in which two values differ. */
export function Differences({ label, diff, sides }: DifferencesProps): ReactNode {
  if (diff.differences.length === 0) return <p className="text-[13px] text-ink-2">No difference.</p>;
  return (
    <div className="overflow-x-auto" tabIndex={0} role="group" aria-label={label}>
      <table className="w-full min-w-[30rem] border-collapse text-start text-xs">
        <thead>
          <tr className="border-b border-line text-ink-2">
            <th scope="col" className="py-1 pe-3 text-start font-medium">
              Place
            </th>
            {sides.map((side, index) => (
              <th key={index} scope="col" className="py-1 pe-3 text-start font-medium" dir="auto">
                {side}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {diff.differences.map(({ path, a, b }) => (
            <tr key={path} className="border-b border-line/50 align-top">
              <th scope="row" className="py-1 pe-3 text-start font-mono font-normal break-all text-ink-2">
                <bdi>{path === "" ? "(all of it)" : path}</bdi>
              </th>
              <Side value={a} ink="text-red" />
              <Side value={b} ink="text-green" />
            </tr>
          ))}
        </tbody>
      </table>
      {diff.more > 0 && <p className="pt-1 text-xs text-ink-3">{diff.more} more differences are not listed.</p>}
    </div>
  );
}

function Side({ value, ink }: { readonly value: Json | undefined; readonly ink: string }): ReactNode {
  return (
    <td className={`py-1 pe-3 font-mono break-all ${value === undefined ? "text-ink-3" : ink}`}>
      <bdi>{value === undefined ? "nothing" : JSON.stringify(value)}</bdi>
    </td>
  );
}
