import type { ReactNode } from "react";
import { CopyButton } from "../../parts/copy.tsx";
import { Window } from "../../parts/window.tsx";

interface SecretWindowProps {
  readonly title: string;
  readonly about: string;
  readonly secret: string;
  /** What the button that copies it is called. */
  readonly label: string;
  readonly onClose: () => void;
}

/** Something that is shown once. */
export function SecretWindow({ title, about, secret, label, onClose }: SecretWindowProps): ReactNode {
  return (
    <Window title={title} about={about} isOpen isOnce onClose={onClose}>
      <p className="flex items-center gap-2 rounded-md border border-line bg-ground p-2 font-mono text-xs break-all" dir="ltr">
        {secret}
        <CopyButton text={secret} label={label} />
      </p>
    </Window>
  );
}
