import { lazy, Suspense, type ReactNode } from "react";

const Rendered = lazy(() => import("./markdown-rendered.tsx").then(({ RenderedMarkdown }) => ({ default: RenderedMarkdown })));

/** Text that a model or a tool wrote, with its headings, lists, tables and code. Until the renderer is here it is plain text. */
export function Markdown({ text }: { readonly text: string }): ReactNode {
  return (
    <Suspense
      fallback={
        <p className="break-words whitespace-pre-wrap" dir="auto">
          {text}
        </p>
      }
    >
      <Rendered text={text} />
    </Suspense>
  );
}
