import { Fragment, useMemo, type ReactNode } from "react";
import { cx } from "./class-names.ts";
import { Empty } from "./states.tsx";
import { diffLines, type DiffLine } from "./text-diff.ts";

/** Lines around a change that are shown; the rest is folded. */
const AROUND = 3;
/** Longer differences are cut. */
const LINES_MAX = 2000;

const LOOK: Readonly<Record<DiffLine["kind"], { readonly sign: string; readonly word: string; readonly look: string }>> = {
  same: { sign: " ", word: "", look: "text-ink-2" },
  gone: { sign: "−", word: "taken out: ", look: "bg-ground-2 text-red" },
  new: { sign: "+", word: "added: ", look: "bg-ground-2 text-green" },
};

/** What two texts differ in, line by line; colour, sign and words say it. */
export function TextDiff({ before, after, label }: { readonly before: string; readonly after: string; readonly label: string }): ReactNode {
  const groups = useMemo(() => folded(diffLines(before.split("\n"), after.split("\n"))), [before, after]);
  if (groups.length === 0) return <Empty title="The texts are the same" />;
  return (
    <div role="group" aria-label={label} className="min-w-0 rounded-md border border-line bg-ground py-2 font-mono text-xs leading-5">
      {groups.map((group, index) => (
        <Fragment key={group[0] === undefined ? index : `${group[0].before}/${group[0].after}`}>
          {index > 0 && <div className="px-3 text-ink-3">…</div>}
          {group.map((line) => (
            <div key={`${line.before}/${line.after}`} className={cx("flex gap-3 px-3", LOOK[line.kind].look)}>
              <span aria-hidden className="w-8 shrink-0 text-end text-ink-3 tabular-nums select-none">
                {line.after ?? line.before}
              </span>
              <span aria-hidden className="w-2 shrink-0 select-none">
                {LOOK[line.kind].sign}
              </span>
              <span className="min-w-0 break-words whitespace-pre-wrap" dir="auto">
                <span className="sr-only">{LOOK[line.kind].word}</span>
                {line.text}
              </span>
            </div>
          ))}
        </Fragment>
      ))}
    </div>
  );
}

function folded(lines: readonly DiffLine[]): readonly (readonly DiffLine[])[] {
  const near = new Set<number>();
  for (const [index, { kind }] of lines.entries())
    if (kind !== "same") for (let at = index - AROUND; at <= index + AROUND; at += 1) near.add(at);
  const groups: DiffLine[][] = [];
  let isOpen = false;
  for (const [index, line] of lines.slice(0, LINES_MAX).entries()) {
    if (!near.has(index)) isOpen = false;
    else if (isOpen) groups.at(-1)?.push(line);
    else {
      groups.push([line]);
      isOpen = true;
    }
  }
  return groups;
}
