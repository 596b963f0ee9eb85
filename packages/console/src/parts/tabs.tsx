import { Tabs as Base } from "@base-ui/react/tabs";
import type { ReactNode } from "react";

interface TabsProps<T extends string> {
  readonly label: string;
  readonly tab: T;
  readonly onTab: (tab: T) => void;
  readonly tabs: readonly { readonly id: T; readonly title: ReactNode; readonly content: () => ReactNode }[];
}

/** Several views of one thing; only the open one is made. */
export function Tabs<T extends string>({ label, tab, onTab, tabs }: TabsProps<T>): ReactNode {
  return (
    <Base.Root value={tab} onValueChange={(value) => onTab(value as T)} className="flex min-h-0 grow flex-col">
      <Base.List aria-label={label} className="flex shrink-0 gap-1 overflow-x-auto overflow-y-hidden border-b border-line">
        {tabs.map(({ id, title }) => (
          <Base.Tab
            key={id}
            value={id}
            className="-mb-px border-b-2 border-transparent px-3 py-2 text-[13px] whitespace-nowrap text-ink-2 hover:text-ink data-[active]:border-blue data-[active]:text-ink"
          >
            {title}
          </Base.Tab>
        ))}
      </Base.List>
      {tabs.map(({ id, content }) => (
        <Base.Panel key={id} value={id} className="min-h-0 grow pt-3 outline-offset-0">
          {id === tab && content()}
        </Base.Panel>
      ))}
    </Base.Root>
  );
}
