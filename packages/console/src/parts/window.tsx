import { Dialog } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import { useEffect, useRef, useState, type ReactNode, type RefObject } from "react";
import { Button, buttonLook } from "./button.tsx";
import { cx } from "./class-names.ts";

interface WindowProps {
  readonly title: string;
  readonly about?: ReactNode;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly isWide?: boolean;
  /** As large as the page lets it be. */
  readonly isWhole?: boolean;
  /** What it shows is not to be had again: a click beside it does not close it. */
  readonly isOnce?: boolean;
  /** The buttons at its foot. */
  readonly foot?: ReactNode;
  readonly children?: ReactNode;
}

/**
 * A window over the page. The keyboard begins in its first field, or on the first button at its foot, which is the safe one; Escape and a
 * click beside it close it, and the keyboard goes back to where it was. Once something was typed, a click beside it does nothing.
 */
export function Window({
  title,
  about,
  isOpen,
  onClose,
  isWide = false,
  isWhole = false,
  isOnce = false,
  foot,
  children,
}: WindowProps): ReactNode {
  const [isTouched, setTouched] = useState(false);
  const popup = useRef<HTMLDivElement>(null);
  return (
    <Dialog.Root
      open={isOpen}
      onOpenChange={(isNowOpen) => !isNowOpen && onClose()}
      onOpenChangeComplete={(isNowOpen) => !isNowOpen && setTouched(false)}
      disablePointerDismissal={isOnce || isTouched}
    >
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-shade transition-opacity data-[ending-style]:opacity-0 data-[starting-style]:opacity-0" />
        <Dialog.Popup
          ref={popup}
          onInput={() => setTouched(true)}
          // A field that has the focus on a touch screen covers half of the window with its keyboard.
          initialFocus={(openedBy) => openedBy === "touch" || beginningOf(popup.current)}
          className={cx(
            "fixed start-1/2 z-50 flex w-[calc(100vw-2rem)] -translate-x-1/2 flex-col rounded-xl border border-line bg-ground-1 shadow-2xl transition-[opacity,scale] data-[ending-style]:scale-98 data-[ending-style]:opacity-0 data-[starting-style]:scale-98 data-[starting-style]:opacity-0 rtl:translate-x-1/2",
            isWhole ? "top-[3vh] max-h-[94vh]" : "top-[8vh] max-h-[84vh]",
            isWhole ? "max-w-[110rem]" : isWide ? "max-w-5xl" : "max-w-lg",
          )}
        >
          <header className="flex items-start gap-3 border-b border-line px-5 py-3.5">
            <div className="min-w-0 grow">
              <Dialog.Title className="text-base font-semibold" dir="auto">
                {title}
              </Dialog.Title>
              {about !== undefined && <Dialog.Description className="mt-0.5 text-[13px] text-ink-2">{about}</Dialog.Description>}
            </div>
            <Dialog.Close aria-label={CLOSE} className={buttonLook("quiet")}>
              <X aria-hidden className="size-4" />
            </Dialog.Close>
          </header>
          <div data-part="body" className="min-h-0 grow overflow-y-auto px-5 py-4">
            {children}
          </div>
          {foot !== undefined && <footer className="flex flex-wrap justify-end gap-2 border-t border-line px-5 py-3">{foot}</footer>}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** The button of a window that leaves everything as it is. It has one name everywhere, and "cancel" is what is done to runs. */
export function GoBack({ onClick }: { readonly onClick: () => void }): ReactNode {
  return <Button onClick={onClick}>Go back</Button>;
}

/** The end of a form that came into a window: the way back, and what sends it. */
export function FormFoot({ onBack, children }: { readonly onBack: () => void; readonly children: ReactNode }): ReactNode {
  const foot = useRef<HTMLElement>(null);
  useEffect(() => beginLate(foot), []);
  return (
    <footer ref={foot} className="flex flex-wrap justify-end gap-2">
      <GoBack onClick={onBack} />
      {children}
    </footer>
  );
}

/** A window that opened before its form was read has the keyboard nowhere yet: it begins as in one that had it all along. */
function beginLate(foot: RefObject<HTMLElement | null>): void {
  const popup = foot.current?.closest<HTMLElement>("[role=dialog]") ?? null;
  const { activeElement } = document;
  const isUntouched = popup === activeElement || activeElement?.getAttribute("aria-label") === CLOSE;
  const place = isUntouched ? fieldOf(popup) : true;
  if (place !== true) place.focus();
}

const CLOSE = "Close";
const FIELDS = "input,textarea,select,[contenteditable=true],[role=switch]";
const USABLE = ':not(:disabled,[aria-hidden=true],[tabindex="-1"])';

/** Where the keyboard begins; `true` leaves it to the first thing that can have it. */
function beginningOf(popup: HTMLElement | null): HTMLElement | true {
  if (popup === null) return true;
  const { activeElement } = document;
  // A field that asked for the focus itself has it already.
  if (activeElement instanceof HTMLElement && activeElement !== popup && popup.contains(activeElement)) return activeElement;
  return fieldOf(popup);
}

function fieldOf(popup: HTMLElement | null): HTMLElement | true {
  if (popup === null) return true;
  const places = [`[data-part=body] :is(${FIELDS})${USABLE}`, `footer button${USABLE}`, `[data-part=body] :is(a,button)${USABLE}`];
  for (const place of places) {
    const found = popup.querySelector<HTMLElement>(place);
    if (found !== null) return found;
  }
  return true;
}
