import type { ReactNode } from "react";
import { KindIcon } from "../../../parts/kinds.tsx";
import { Window } from "../../../parts/window.tsx";
import { KINDS } from "./node-kinds.ts";

interface AddNodeProps {
  readonly isOpen: boolean;
  /** Where it will stand, as a sentence. */
  readonly about: string;
  readonly onAdd: (type: string) => void;
  readonly onClose: () => void;
}

/** Asks which kind of node is to be added. */
export function AddNode({ isOpen, about, onAdd, onClose }: AddNodeProps): ReactNode {
  return (
    <Window title="Add a node" about={about} isOpen={isOpen} onClose={onClose}>
      <ul className="grid gap-2 sm:grid-cols-2">
        {KINDS.map(({ type, about: does }) => (
          <li key={type}>
            <button
              type="button"
              onClick={() => onAdd(type)}
              className="flex w-full items-start gap-2.5 rounded-md border border-line p-2.5 text-start hover:border-blue hover:bg-ground-2"
            >
              <span className="mt-0.5">
                <KindIcon kind={type} />
              </span>
              <span className="min-w-0">
                <span className="block text-[13px] font-medium text-ink">{type}</span>
                <span className="block text-xs text-ink-2">{does}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </Window>
  );
}
