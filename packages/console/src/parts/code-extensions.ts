import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { Compartment, EditorState, Transaction, type Extension, type StateEffect, type TransactionSpec } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** Something wrong in a text. Lines and columns count from 1. */
export interface CodeProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

interface Heard {
  readonly onChange: (text: string) => void;
  readonly onCursor: (offset: number) => void;
  readonly onUndo?: () => void;
  readonly onRedo?: () => void;
}

const readOnly = new Compartment();

/** Everything that the editor can do. */
export function extensionsOf(
  { label, language, isReadOnly }: { readonly label: string; readonly language: "yaml" | "json"; readonly isReadOnly: boolean },
  { onChange, onCursor, onUndo, onRedo }: Heard,
): readonly Extension[] {
  const undoKeys = keymap.of([
    { key: "Mod-z", run: () => done(onUndo), preventDefault: true },
    { key: "Mod-y", run: () => done(onRedo), preventDefault: true },
    { key: "Mod-Shift-z", run: () => done(onRedo), preventDefault: true },
  ]);
  return [
    onUndo === undefined ? [history(), keymap.of(historyKeymap)] : undoKeys,
    lineNumbers(),
    foldGutter(),
    lintGutter(),
    EditorView.lineWrapping,
    drawSelection(),
    highlightActiveLine(),
    indentOnInput(),
    bracketMatching(),
    syntaxHighlighting(COLOURS),
    language === "yaml" ? yaml() : json(),
    leavingByEscape(),
    keymap.of([...defaultKeymap, ...lintKeymap, indentWithTab]),
    EditorView.contentAttributes.of({ "aria-label": label }),
    EditorState.tabSize.of(2),
    readOnly.of(readOnlyExtension(isReadOnly)),
    LOOK,
    EditorView.updateListener.of((update) => {
      const isOwn = update.transactions.some((transaction) => transaction.annotation(Transaction.remote) === true);
      if (update.docChanged && !isOwn) onChange(update.state.doc.toString());
      if (update.selectionSet && !isOwn && update.view.hasFocus) onCursor(update.state.selection.main.head);
    }),
  ];
}

/** How long after Escape a Tab leads out of the text. */
const LEAVING_MS = 2000;

/**
 * Escape, then Tab, leaves the editor: so Tab can indent and is no trap for the keyboard. That Escape is for the text alone, and closes no
 * window around it; one more does.
 */
function leavingByEscape(): Extension {
  let isLeaving = false;
  return EditorView.domEventObservers({
    focus: () => {
      isLeaving = false;
    },
    keydown: (event, view) => {
      const isEscape = event.key === "Escape";
      if (isEscape) view.setTabFocusMode(LEAVING_MS);
      if (isEscape && (!isLeaving || event.repeat)) event.stopPropagation();
      isLeaving = isEscape;
    },
  });
}

function done(act: (() => void) | undefined): boolean {
  act?.();
  return true;
}

/** Replaces what differs only, so that the cursor and what is folded stay where they were. */
export function fromOutside(state: EditorState, value: string): TransactionSpec {
  const before = state.doc.toString();
  let from = 0;
  while (from < before.length && from < value.length && before[from] === value[from]) from += 1;
  let [end, valueEnd] = [before.length, value.length];
  while (end > from && valueEnd > from && before[end - 1] === value[valueEnd - 1]) {
    end -= 1;
    valueEnd -= 1;
  }
  return {
    changes: { from, to: end, insert: value.slice(from, valueEnd) },
    annotations: [Transaction.remote.of(true), Transaction.addToHistory.of(false)],
  };
}

/** Makes the text editable, or not. */
export function reconfigured(isReadOnly: boolean): StateEffect<unknown> {
  return readOnly.reconfigure(readOnlyExtension(isReadOnly));
}

function readOnlyExtension(isReadOnly: boolean): Extension {
  return [EditorState.readOnly.of(isReadOnly), EditorView.editable.of(!isReadOnly)];
}

/** Shows problems at their places. */
export function markProblems(state: EditorState, problems: readonly CodeProblem[]): TransactionSpec {
  const diagnostics = problems.map(({ line, column, message }): Diagnostic => {
    const at = state.doc.line(Math.max(1, Math.min(state.doc.lines, line)));
    const from = Math.min(at.to, at.from + Math.max(0, column - 1));
    return { from, to: Math.max(from, wordEnd(at.text, from - at.from) + at.from), severity: "error", message };
  });
  return setDiagnostics(state, diagnostics);
}

function wordEnd(line: string, from: number): number {
  return from + (/^[^\s,{}[\]]+/.exec(line.slice(from))?.[0].length ?? 1);
}

const COLOURS = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--blue)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--green)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--orange)" },
  { tag: [tags.comment], color: "var(--ink-3)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.bracket], color: "var(--ink-3)" },
]);

const LOOK = EditorView.theme({
  "&": { height: "100%", fontSize: "12.5px", color: "var(--ink)", backgroundColor: "var(--ground)" },
  // Its frame on the page has the ring.
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: '"JetBrains Mono Variable", ui-monospace, monospace', lineHeight: "1.55" },
  ".cm-gutters": { backgroundColor: "var(--ground)", color: "var(--ink-3)", border: "none" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--ground-2) 60%, transparent)" },
  ".cm-content": { caretColor: "var(--blue)" },
  ".cm-cursor": { borderLeftColor: "var(--blue)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--glow) !important" },
  ".cm-matchingBracket": { backgroundColor: "var(--ground-3) !important", color: "inherit" },
  ".cm-tooltip": { backgroundColor: "var(--ground-3)", color: "var(--ink)", border: "1px solid var(--line)", maxWidth: "420px" },
  ".cm-diagnostic": { fontFamily: '"Inter Variable", system-ui, sans-serif', padding: "4px 8px" },
  ".cm-diagnostic-error": { borderLeft: "3px solid var(--red)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--red)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--ground-3)", color: "var(--ink-2)", border: "none" },
});
