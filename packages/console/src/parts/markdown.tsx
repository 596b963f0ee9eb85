import { Suspense, type ReactNode } from "react";
import { lateInstead } from "../late.tsx";
import { Boundary } from "./boundary.tsx";
import { isHardMarkdown } from "./hard-markdown.ts";

const Rendered = lateInstead<"RenderedMarkdown", MarkdownProps & { readonly meanwhile: ReactNode }>(
  () => import("./markdown-rendered.tsx"),
  "RenderedMarkdown",
);

/** Text that a model or a tool wrote. */
export interface MarkdownProps {
  readonly text: string;
  /** Is given where it is drawn, once its marks have become headings, lists, tables and code. */
  readonly place?: ((element: HTMLElement | null) => void) | undefined;
}

/** Text that a model or a tool wrote, with its headings, lists, tables and code. Until the renderer is here, and where it cannot be used, it is plain text. */
export function Markdown({ text, place }: MarkdownProps): ReactNode {
  const plain = <Plain text={text} place={place} />;
  if (isHardMarkdown(text)) return plain;
  return (
    <Boundary fallback={plain}>
      <Suspense fallback={<Plain text={text} />}>
        <Rendered text={text} place={place} meanwhile={plain} />
      </Suspense>
    </Boundary>
  );
}

function Plain({ text, place }: MarkdownProps): ReactNode {
  return (
    <p ref={place} className="break-words whitespace-pre-wrap" dir="auto">
      {text}
    </p>
  );
}
