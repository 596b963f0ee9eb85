import type { ReactNode } from "react";

const ADDRESS = /^(https?:|mailto:)/i;

/** A link that a stranger may have written: it says where it goes, opens apart, and tells nothing of this page. Others are plain text. */
export function SafeLink({ href, children }: { readonly href: string | undefined; readonly children: ReactNode }): ReactNode {
  if (href === undefined || !ADDRESS.test(href)) return <span>{children}</span>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow" title={href} className="text-blue underline">
      {children}
    </a>
  );
}
