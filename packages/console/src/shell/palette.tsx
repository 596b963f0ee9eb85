import { Dialog } from "@base-ui/react/dialog";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import type { ReactNode } from "react";
import { agentsQuery, workflowsQuery } from "../queries.ts";
import { useAllActions, type ShellAction } from "./actions.ts";
import { Keys } from "./keys.tsx";

/** Everything that can be done and gone to, found by typing a part of its name. */
export function Palette({ onClose }: { readonly onClose: () => void }): ReactNode {
  const groups = Map.groupBy([...useAllActions(), ...useFound()], ({ group }) => group);
  return (
    <Dialog.Root open onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-shade" />
        <Dialog.Popup
          aria-label="Search or do anything"
          className="fixed inset-x-4 top-[12vh] z-50 mx-auto max-w-xl overflow-hidden rounded-xl border border-line bg-ground-1 shadow-2xl"
        >
          <Command loop label="Search or do anything">
            <Command.Input
              autoFocus
              placeholder="Type a page, an action, a workflow, an agent or a run's id"
              className="h-12 w-full border-b border-line bg-transparent px-4 text-sm text-ink outline-none placeholder:text-ink-3"
            />
            <Command.List className="max-h-[52vh] overflow-y-auto p-2">
              <Command.Empty className="px-3 py-8 text-center text-[13px] text-ink-2">Nothing is called that.</Command.Empty>
              {[...groups].map(([group, actions]) => (
                <Command.Group
                  key={group}
                  heading={group}
                  className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-[11px] [&_[cmdk-group-heading]]:text-ink-3"
                >
                  {actions.map((action) => (
                    <Entry key={action.id} action={action} onClose={onClose} />
                  ))}
                </Command.Group>
              ))}
            </Command.List>
          </Command>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Entry({
  action: { id, title, words, keys, run },
  onClose,
}: {
  readonly action: ShellAction;
  readonly onClose: () => void;
}): ReactNode {
  return (
    <Command.Item
      value={`${title} ${id}`}
      {...(words !== undefined && { keywords: [words] })}
      onSelect={() => {
        onClose();
        run();
      }}
      className="flex h-9 items-center gap-2 rounded-md px-2 text-[13px] data-[selected=true]:bg-ground-3"
    >
      <span className="grow truncate" dir="auto">
        {title}
      </span>
      {keys !== undefined && <Keys keys={keys} />}
    </Command.Item>
  );
}

/** Things that have a name of their own. */
function useFound(): readonly ShellAction[] {
  const navigate = useNavigate();
  const { data: workflows = [] } = useQuery(workflowsQuery);
  const { data: agents = [] } = useQuery(agentsQuery);
  return [
    ...workflows.map(({ name, description }): ShellAction => ({
      id: `workflow ${name}`,
      title: `Workflow ${name}`,
      group: "Workflows",
      words: description,
      run: () => navigate({ to: "/workflows/$name", params: { name } }),
    })),
    ...agents.map(({ name, description }): ShellAction => ({
      id: `agent ${name}`,
      title: `Agent ${name}`,
      group: "Agents",
      words: description,
      run: () => navigate({ to: "/agents/$name", params: { name } }),
    })),
  ];
}
