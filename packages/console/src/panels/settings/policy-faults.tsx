import type { PolicyFault } from "@tutti/client";
import type { ReactNode } from "react";

interface FaultsProps {
  readonly title: string;
  readonly faults: readonly PolicyFault[];
  readonly isWarning?: boolean;
}

/** What is wrong with a policy, each with its place. */
export function Faults({ title, faults, isWarning = false }: FaultsProps): ReactNode {
  if (faults.length === 0) return null;
  return (
    <div>
      <h3 className="pb-1 text-xs font-semibold text-ink-2">{title}</h3>
      <ul className="flex flex-col gap-2">
        {faults.map(({ name, line, column, message, snippet }) => (
          <li key={`${name} ${line} ${column} ${message}`} className="rounded-md border border-line bg-ground p-2 font-mono text-xs">
            <p className={isWarning ? "break-words text-yellow" : "break-words text-red"}>{`${name}:${line}:${column} ${message}`}</p>
            <pre className="overflow-x-auto text-ink-2">{snippet.join("\n")}</pre>
          </li>
        ))}
      </ul>
    </div>
  );
}
