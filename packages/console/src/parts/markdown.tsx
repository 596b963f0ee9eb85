import { lazy, Suspense, type ReactNode } from "react";

const Rendered = lazy(() => import("./markdown-rendered.tsx").then(({ RenderedMarkdown }) => ({ default: RenderedMarkdown })));

/** Text that a model or a tool wrote. */
export interface MarkdownProps {
  readonly text: string;
  /** Is given where it is drawn, once its marks have become headings, lists, tables and code. */
  readonly place?: ((element: HTMLElement | null) => void) | undefined;
}

/** Text that a model or a tool wrote, with its headings, lists, tables and code. Until the renderer is here it is plain text. */
export function Markdown({ text, place }: MarkdownProps): ReactNode {
  return (
    <Suspense
      fallback={
        <p className="break-words whitespace-pre-wrap" dir="auto">
          {text}
        </p>
      }
    >
      <Rendered text={text} place={place} />
    </Suspense>
  );
}
