import type { Json } from "@tutti/core";
import { ChevronRight } from "lucide-react";
import { useState, type ReactNode } from "react";
import { cx } from "./class-names.ts";
import { CopyButton } from "./copy.tsx";
import { visible } from "./visible.ts";
import { several } from "./words.ts";

/** Entries of one list or object that are drawn before somebody asks for more. */
const SHOWN = 100;
/** Characters of a text that are drawn before somebody asks for the rest. */
const TEXT_SHOWN = 2000;

/** A value as a tree that opens where it is asked to, hidden characters as escapes. Everything in it is text: nothing of it is ever run or fetched. */
export function JsonView({
  value,
  label,
  openTo = 2,
}: {
  readonly value: Json;
  readonly label: string;
  readonly openTo?: number;
}): ReactNode {
  return (
    <div
      className="group relative min-w-0 rounded-md border border-line bg-ground p-3 font-mono text-xs leading-5"
      role="group"
      aria-label={label}
    >
      <div className="absolute end-1 top-1 opacity-0 group-focus-within:opacity-100 group-hover:opacity-100">
        <CopyButton text={() => JSON.stringify(value, null, 2)} label={`Copy ${label}`} />
      </div>
      <Value value={value} depth={0} openTo={openTo} />
    </div>
  );
}

interface ValueProps {
  readonly value: Json;
  readonly name?: string;
  readonly depth: number;
  readonly openTo: number;
}

function Value({ value, name, depth, openTo }: ValueProps): ReactNode {
  if (typeof value !== "object" || value === null)
    return (
      <div className="break-words whitespace-pre-wrap">
        <Name name={name} />
        <Scalar value={value} />
      </div>
    );
  return <Branch value={value} {...(name !== undefined && { name })} depth={depth} openTo={openTo} />;
}

function Branch({
  value,
  name,
  depth,
  openTo,
}: ValueProps & { readonly value: readonly Json[] | { readonly [key: string]: Json } }): ReactNode {
  const [isOpen, setOpen] = useState(depth < openTo);
  const [shown, setShown] = useState(SHOWN);
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  const [before, after] = isList ? ["[", "]"] : ["{", "}"];
  if (entries.length === 0)
    return (
      <div>
        <Name name={name} />
        {before + after}
      </div>
    );
  return (
    <div>
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="inline-flex min-h-[24px] items-center text-start"
      >
        <ChevronRight
          aria-hidden
          className={cx("me-0.5 size-3 shrink-0 text-ink-3 transition-transform", isOpen ? "rotate-90" : "rtl:rotate-180")}
        />
        <span>
          <Name name={name} />
          {before}
          {!isOpen && <span className="text-ink-3">{` ${several(entries.length, isList ? "item" : "field")} ${after}`}</span>}
        </span>
      </button>
      {isOpen && (
        <>
          <div className="ms-1.5 border-s border-line ps-3">
            {entries.slice(0, shown).map(([key, entry]) => (
              <Value key={key} value={entry} {...(!isList && { name: key })} depth={depth + 1} openTo={openTo} />
            ))}
            {entries.length > shown && (
              <button type="button" className="min-h-[24px] text-blue underline" onClick={() => setShown(shown + SHOWN * 10)}>
                {entries.length - shown} more
              </button>
            )}
          </div>
          {after}
        </>
      )}
    </div>
  );
}

function Name({ name }: { readonly name: string | undefined }): ReactNode {
  return name === undefined ? null : (
    <>
      <span className="text-violet">{visible(name)}</span>
      <span className="text-ink-3">: </span>
    </>
  );
}

function Scalar({ value }: { readonly value: string | number | boolean | null }): ReactNode {
  const [isWhole, setWhole] = useState(false);
  if (typeof value === "number") return <span className="text-orange">{String(value)}</span>;
  if (typeof value !== "string") return <span className="text-blue">{String(value)}</span>;
  const text = isWhole ? value : value.slice(0, TEXT_SHOWN);
  return (
    <span className="text-green">
      {visible(JSON.stringify(text))}
      {text.length < value.length && (
        <button type="button" className="ms-1 text-blue underline" onClick={() => setWhole(true)}>
          {value.length - text.length} more characters
        </button>
      )}
    </span>
  );
}
