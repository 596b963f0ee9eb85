import type { Json } from "@tutti/core";
import { useId, type ReactNode } from "react";
import { CodeEditor } from "./code-editor.tsx";

/** What a text says as JSON, or why it says nothing. */
export type ParsedJson = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly problem: string };

interface JsonTextProps {
  readonly label: string;
  readonly help?: string;
  readonly text: string;
  readonly onText: (text: string) => void;
}

/** A value that is written as JSON; says at once when the text is none. */
export function JsonText({ label, help, text, onText }: JsonTextProps): ReactNode {
  const id = useId();
  const parsed = parsedJson(text);
  return (
    <div role="group" aria-labelledby={id} className="flex flex-col gap-1">
      <span id={id} className="text-xs font-medium text-ink-2">
        {label}
      </span>
      <div className="h-56 resize-y overflow-hidden">
        <CodeEditor label={label} language="json" value={text} onChange={onText} />
      </div>
      {!parsed.ok && (
        <p role="alert" className="text-xs break-words text-red" dir="auto">
          {parsed.problem}
        </p>
      )}
      {parsed.ok && help !== undefined && <p className="text-xs text-ink-3">{help}</p>}
    </div>
  );
}

/** Reads a text as JSON. */
export function parsedJson(text: string): ParsedJson {
  try {
    return { ok: true, value: JSON.parse(text) as Json };
  } catch (thrown) {
    return { ok: false, problem: `wanted JSON, got text that is none: ${thrown instanceof Error ? thrown.message : String(thrown)}` };
  }
}
