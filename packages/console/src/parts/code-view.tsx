import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useEffectEvent, useRef, type ReactNode, type RefObject } from "react";
import { extensionsOf, fromOutside, markProblems, reconfigured, type CodeProblem } from "./code-extensions.ts";

/** What the editor is given. */
export interface CodeViewProps {
  readonly label: string;
  readonly value: string;
  readonly language: "yaml" | "json";
  readonly problems?: readonly CodeProblem[];
  readonly isReadOnly?: boolean;
  readonly onChange?: (text: string) => void;
  /** Where a person has put the cursor, in characters from 0. */
  readonly onCursor?: (offset: number) => void;
  /** What to bring into sight; another object each time that it is to be done. */
  readonly reveal?: { readonly offset: number } | undefined;
  /** Instead of the editor's own: whoever holds the text may have one history for all ways to change it. */
  readonly onUndo?: () => void;
  readonly onRedo?: () => void;
}

/**
 * CodeMirror, in a shadow root: there its styles are sheets that are made by script, which the page's rules (`style-src 'self'`) allow,
 * where a `<style>` element would be refused.
 */
export function CodeView(props: CodeViewProps): ReactNode {
  const { value, problems, isReadOnly = false, reveal } = props;
  const [host, view] = useEditor(props);
  useEffect(() => {
    const { current } = view;
    if (current === null || current.state.doc.toString() === value) return;
    current.dispatch(fromOutside(current.state, value));
  }, [view, value]);
  useEffect(() => view.current?.dispatch({ effects: reconfigured(isReadOnly) }), [view, isReadOnly]);
  useEffect(() => {
    const { current } = view;
    if (current !== null) current.dispatch(markProblems(current.state, problems ?? []));
  }, [view, problems, value]);
  useEffect(() => {
    const { current } = view;
    if (current === null || reveal === undefined) return;
    const anchor = Math.min(reveal.offset, current.state.doc.length);
    current.dispatch({ effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
  }, [view, reveal]);
  return (
    <div
      ref={host}
      className="h-full min-h-0 min-w-0 overflow-hidden rounded-md border border-line bg-ground focus-within:outline-2 focus-within:-outline-offset-2 focus-within:outline-blue"
      dir="ltr"
    />
  );
}

/** Makes the editor once, and anew only for another language; handlers may be new functions at each drawing. */
function useEditor(props: CodeViewProps): readonly [RefObject<HTMLDivElement | null>, RefObject<EditorView | null>] {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const changed = useEffectEvent((text: string) => props.onChange?.(text));
  const moved = useEffectEvent((offset: number) => props.onCursor?.(offset));
  const undo = useEffectEvent(() => props.onUndo?.());
  const redo = useEffectEvent(() => props.onRedo?.());
  const first = useEffectEvent(() => ({ value: props.value, isReadOnly: props.isReadOnly ?? false }));
  const { label, language } = props;
  const hasOwnHistory = props.onUndo === undefined;
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const root = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    const begin = first();
    const heard = {
      onChange: (text: string) => changed(text),
      onCursor: (offset: number) => moved(offset),
      ...(!hasOwnHistory && { onUndo: () => undo(), onRedo: () => redo() }),
    };
    const made = new EditorView({
      root,
      parent: root,
      state: EditorState.create({ doc: begin.value, extensions: extensionsOf({ label, language, isReadOnly: begin.isReadOnly }, heard) }),
    });
    view.current = made;
    return () => {
      view.current = null;
      made.destroy();
    };
  }, [label, language, hasOwnHistory]);
  return [host, view];
}
