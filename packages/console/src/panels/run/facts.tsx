import type { ReactNode } from "react";

/** One thing that is known, and what it is. */
export interface Fact {
  readonly name: string;
  readonly value: ReactNode;
}

/** What is known of something, name by name. */
export function Facts({ facts }: { readonly facts: readonly (Fact | false | undefined)[] }): ReactNode {
  return (
    <dl className="grid grid-cols-[max-content_minmax(0,1fr)] gap-x-4 gap-y-1 text-[13px]">
      {facts.flatMap((fact) =>
        fact === undefined || fact === false
          ? []
          : [
              <div key={fact.name} className="contents">
                <dt className="text-ink-3">{fact.name}</dt>
                <dd className="min-w-0 break-words text-ink" dir="auto">
                  {fact.value}
                </dd>
              </div>,
            ],
      )}
    </dl>
  );
}

/** A part of a pane, with a name. */
export function Part({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactNode {
  return (
    <section aria-label={title} className="flex min-w-0 flex-col gap-1.5 border-t border-line py-3">
      <h3 className="text-xs font-semibold text-ink-2">{title}</h3>
      {children}
    </section>
  );
}
