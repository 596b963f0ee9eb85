import { ChevronRight } from "lucide-react";
import { useState, type ReactNode } from "react";
import { cx } from "../../parts/class-names.ts";
import { JsonView } from "../../parts/json-view.tsx";
import { KindIcon, StateIcon } from "../../parts/kinds.tsx";
import { duration } from "../../parts/words.ts";
import type { ToolUse } from "./answer-reading.ts";

/** The tools that an answer called, in order; each opens to what it was given and gave. */
export function ToolUses({ tools }: { readonly tools: readonly ToolUse[] }): ReactNode {
  if (tools.length === 0) return null;
  return (
    <ul aria-label="Tool calls" className="flex flex-col gap-1">
      {tools.map((use) => (
        <li key={use.key}>
          <OneUse use={use} />
        </li>
      ))}
    </ul>
  );
}

function OneUse({ use }: { readonly use: ToolUse }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const { tool, state, input, output, error, durationMs, reason } = use;
  return (
    <div className="rounded-md border border-line bg-ground-2">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="flex w-full items-center gap-2 px-2.5 py-1.5 text-start text-xs"
      >
        <ChevronRight
          aria-hidden
          className={cx("size-3 shrink-0 text-ink-3 transition-transform", isOpen ? "rotate-90" : "rtl:rotate-180")}
        />
        <KindIcon kind="tool" />
        <span className="shrink-0 font-medium" dir="auto">
          {tool}
        </span>
        <span className="min-w-0 grow truncate font-mono text-ink-3" dir="auto">
          {input === undefined ? "" : JSON.stringify(input)}
        </span>
        {durationMs !== undefined && <span className="shrink-0 text-ink-3 tabular-nums">{duration(durationMs)}</span>}
        <StateIcon state={state} />
      </button>
      {isOpen && (
        <div className="flex flex-col gap-2 border-t border-line p-2.5">
          {input !== undefined && <JsonView label={`the input of ${tool}`} value={input} />}
          {output !== undefined && <JsonView label={`the output of ${tool}`} value={output} />}
          {error !== undefined && (
            <p className="text-xs break-words text-red" dir="auto">
              {`${error.code}: ${error.message}`}
            </p>
          )}
          <p className="text-xs text-ink-3" dir="auto">
            {`Policy: ${reason}`}
          </p>
        </div>
      )}
    </div>
  );
}
