import type { ReactNode } from "react";
import { Window } from "../parts/window.tsx";
import { useAllActions } from "./actions.ts";
import { Keys } from "./keys.tsx";

/** All keys that do something on this page. */
export function Help({ onClose }: { readonly onClose: () => void }): ReactNode {
  const actions = useAllActions().filter(({ keys }) => keys !== undefined);
  const groups = Map.groupBy(actions, ({ group }) => group);
  return (
    <Window title="Keyboard and help" about="In lists: arrow keys or J and K move, Enter opens, X selects." isOpen onClose={onClose} isWide>
      <div className="gap-6 sm:columns-2">
        {[...groups].map(([group, entries]) => (
          <section key={group} aria-label={group} className="break-inside-avoid pb-5">
            <h3 className="pb-1 text-xs font-semibold text-ink-2">{group}</h3>
            <ul className="flex flex-col">
              {entries.map(({ id, title, keys = "" }) => (
                <li key={id} className="flex items-center gap-3 border-b border-line/60 py-1 text-[13px]">
                  <span className="grow">{title}</span>
                  <Keys keys={keys} />
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </Window>
  );
}
