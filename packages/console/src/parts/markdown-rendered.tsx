import type { ReactNode } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import type { MarkdownProps } from "./markdown.tsx";
import { SafeLink } from "./safe-link.tsx";

const parts: Components = {
  a: ({ href, children }) => <SafeLink href={href}>{children}</SafeLink>,
  // A picture's address could carry away what the text was made of, so it is named and not fetched.
  img: ({ alt, src }) => (
    <span className="text-ink-2">{`[picture: ${alt ?? ""} ${typeof src === "string" ? src.slice(0, 200) : ""}]`}</span>
  ),
  pre: ({ children }) => (
    <pre className="my-2 overflow-x-auto rounded-md border border-line bg-ground p-3 font-mono text-xs [&_code]:bg-transparent [&_code]:p-0">
      {children}
    </pre>
  ),
  code: ({ children }) => <code className="rounded bg-ground-2 px-1 font-mono text-[0.92em]">{children}</code>,
  table: ({ children }) => (
    <div className="my-2 overflow-x-auto">
      <table className="border-collapse text-[13px] [&_td]:border [&_td]:border-line [&_td]:px-2 [&_td]:py-1 [&_th]:border [&_th]:border-line [&_th]:px-2 [&_th]:py-1">
        {children}
      </table>
    </div>
  ),
};

/** Markdown without HTML, scripts, pictures from elsewhere or links that are no web addresses. */
export function RenderedMarkdown({ text, place }: MarkdownProps): ReactNode {
  return (
    <div
      ref={place}
      dir="auto"
      className="text-sm leading-relaxed break-words [&_h1]:mt-3 [&_h1]:text-lg [&_h1]:font-semibold [&_h2]:mt-3 [&_h2]:text-base [&_h2]:font-semibold [&_h3]:mt-2 [&_h3]:font-semibold [&_li]:ms-5 [&_ol]:list-decimal [&_p]:my-1.5 [&_ul]:list-disc"
    >
      <ReactMarkdown remarkPlugins={[remarkGfm]} skipHtml components={parts}>
        {text}
      </ReactMarkdown>
    </div>
  );
}
