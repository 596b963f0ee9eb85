import { useEffect, type ReactNode } from "react";
import { visible } from "./visible.ts";

interface PageProps {
  readonly title: string;
  /** One sentence: what can be done here. */
  readonly about?: ReactNode;
  /** What a person can do about the whole page. */
  readonly actions?: ReactNode;
  /** The page fills the window and scrolls within. */
  readonly isFull?: boolean;
  readonly children: ReactNode;
}

/** A tab has little room, and a stranger may have given the name. */
const TITLE_CHARACTERS_MAX = 120;

/** A page's frame: its name, what can be done about it, and what it shows. */
export function Page({ title, about, actions, isFull = false, children }: PageProps): ReactNode {
  useEffect(() => {
    document.title = `${visible(title).slice(0, TITLE_CHARACTERS_MAX)} · Tutti`;
  }, [title]);
  return (
    <section
      aria-label={title}
      className={isFull ? "flex h-full min-h-0 flex-col gap-3 p-4" : "mx-auto flex max-w-7xl flex-col gap-4 p-4 sm:p-6"}
    >
      <header className="flex flex-wrap items-start gap-3">
        <div className="min-w-0 grow">
          <h1 className="truncate text-xl font-semibold tracking-tight">
            <bdi>{title}</bdi>
          </h1>
          {about !== undefined && <p className="mt-0.5 text-[13px] text-ink-2">{about}</p>}
        </div>
        {actions !== undefined && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      {children}
    </section>
  );
}

/** A part of a page, with a name. */
export function Panel({ title, actions, children }: Omit<PageProps, "about" | "isFull">): ReactNode {
  return (
    <section aria-label={title} className="panel flex min-w-0 flex-col">
      <header className="flex min-h-11 items-center gap-2 border-b border-line px-4 py-1.5">
        <h2 className="grow truncate text-[13px] font-semibold text-ink">
          <bdi>{title}</bdi>
        </h2>
        {actions}
      </header>
      <div className="min-w-0 grow p-4">{children}</div>
    </section>
  );
}
