import { AppError, type Json } from "@tutti/core";
import type { ReactNode } from "react";
import { TextArea } from "./fields.tsx";

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
  const parsed = parsedJson(text);
  return (
    <TextArea
      label={label}
      help={help}
      problem={parsed.ok ? undefined : parsed.problem}
      rows={10}
      spellCheck={false}
      value={text}
      onChange={({ target }) => onText(target.value)}
    />
  );
}

/** Reads a text as JSON. */
export function parsedJson(text: string): ParsedJson {
  try {
    return { ok: true, value: JSON.parse(text) as Json };
  } catch (thrown) {
    return { ok: false, problem: `wanted JSON, got text that is none: ${AppError.from(thrown).message}` };
  }
}
