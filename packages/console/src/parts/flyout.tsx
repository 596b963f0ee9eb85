import { Popover } from "@base-ui/react/popover";
import { ChevronDown } from "lucide-react";
import type { ReactNode, Ref } from "react";
import { buttonLook } from "./button.tsx";

interface FlyoutProps {
  /** What the button says. */
  readonly label: ReactNode;
  /** What opens, for people who do not see it. */
  readonly title: string;
  readonly isOpen: boolean;
  readonly onOpen: (isOpen: boolean) => void;
  /** Something is chosen in it. */
  readonly isOn?: boolean;
  readonly button?: Ref<HTMLButtonElement>;
  readonly children: ReactNode;
}

/** A button under which something small opens. Escape and a click beside it close it; the keyboard goes back to the button. */
export function Flyout({ label, title, isOpen, onOpen, isOn = false, button, children }: FlyoutProps): ReactNode {
  return (
    <Popover.Root open={isOpen} onOpenChange={onOpen}>
      <Popover.Trigger ref={button} className={buttonLook(isOn ? "chosen" : "plain")}>
        {label}
        <ChevronDown aria-hidden className="size-3.5" />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner sideOffset={6} align="start" collisionPadding={12} className="z-40">
          <Popover.Popup
            aria-label={title}
            className="max-h-[min(28rem,70vh)] w-80 max-w-[calc(100vw-2rem)] overflow-y-auto rounded-lg border border-line bg-ground-1 p-3 shadow-2xl"
          >
            {children}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
