import { Toast } from "@base-ui/react/toast";
import { AppError } from "@tutti/core";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { IconButton } from "./button.tsx";
import { cx } from "./class-names.ts";

const toasts = Toast.createToastManager();
const ERROR_SHOWN_MS = 12_000;
/** Long enough to notice what was done, and to get there with the keyboard. */
const UNDO_SHOWN_MS = 20_000;

/** Says in passing that something is done; `undo` takes it back. */
export function say(title: string, options: { readonly detail?: string; readonly undo?: () => void } = {}): void {
  toasts.add({
    title,
    description: options.detail,
    ...(options.undo !== undefined && { timeout: UNDO_SHOWN_MS, actionProps: { children: "Undo", onClick: options.undo } }),
  });
}

/** Says what went wrong, by the error's stable code. */
export function complain(thrown: unknown): void {
  const { code, message } = AppError.from(thrown);
  toasts.add({ type: "error", title: code, description: message, priority: "high", timeout: ERROR_SHOWN_MS });
}

/** Where toasts appear. */
export function Toasts(): ReactNode {
  return (
    <Toast.Provider toastManager={toasts} limit={4}>
      <Toast.Portal>
        <Toast.Viewport className="fixed end-4 bottom-4 max-md:top-16 max-md:bottom-auto z-50 flex w-96 max-w-[calc(100vw-2rem)] flex-col gap-2">
          <List />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function List(): ReactNode {
  return Toast.useToastManager().toasts.map((toast) => (
    <Toast.Root
      key={toast.id}
      toast={toast}
      className={cx(
        "panel border-s-4 p-3 shadow-xl transition-opacity data-[ending-style]:opacity-0 data-[starting-style]:opacity-0",
        toast.type === "error" ? "border-s-red" : "border-s-green",
      )}
    >
      <Toast.Content className="flex items-start gap-2">
        <div className="min-w-0 grow">
          <Toast.Title className="text-[13px] font-semibold break-words" />
          <Toast.Description className="mt-0.5 line-clamp-6 text-xs break-words text-ink-2" dir="auto" />
          <Toast.Action className="mt-1.5 text-xs font-semibold text-blue underline" />
        </div>
        <Toast.Close render={<IconButton label="Dismiss" />}>
          <X aria-hidden className="size-3.5" />
        </Toast.Close>
      </Toast.Content>
    </Toast.Root>
  ));
}
