import { useState, type ReactNode } from "react";
import { useAction } from "../action.ts";
import { Button } from "./button.tsx";
import { TextField } from "./fields.tsx";
import { complain, say } from "./toasts.tsx";
import { GoBack, Window } from "./window.tsx";

interface ConfirmProps {
  readonly title: string;
  readonly about?: ReactNode;
  /** The word on the button: what will happen. */
  readonly verb: string;
  /** What is said when it is done. */
  readonly done: string;
  readonly isOpen: boolean;
  readonly onClose: () => void;
  /** With "wanted" a reason must be given; "asked" may be left empty. */
  readonly reason?: "wanted" | "asked";
  readonly isDangerous?: boolean;
  readonly act: (reason: string) => Promise<unknown>;
  /** Takes it back, where that can be; it is offered beside what is said. */
  readonly undo?: () => Promise<unknown>;
}

/** Asks before something that is hard to take back, and for its reason. */
export function Confirm({ title, about, verb, done, isOpen, onClose, reason, isDangerous = false, act, undo }: ConfirmProps): ReactNode {
  const [given, setGiven] = useState("");
  const acting = useAction({
    mutationFn: act,
    onSuccess: () => {
      say(done, undo && { undo: () => void undo().catch(complain) });
      setGiven("");
      onClose();
    },
    onError: complain,
  });
  const isMissing = reason === "wanted" && given.trim() === "";
  const send = (): void => {
    if (!isMissing) acting.mutate(given.trim());
  };
  return (
    <Window
      title={title}
      about={about}
      isOpen={isOpen}
      onClose={onClose}
      foot={
        <>
          <GoBack onClick={onClose} />
          <Button tone={isDangerous ? "danger" : "primary"} isBusy={acting.isPending} disabled={isMissing} onClick={send}>
            {verb}
          </Button>
        </>
      }
    >
      {reason !== undefined && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            send();
          }}
        >
          <TextField
            label={reason === "wanted" ? "Reason" : "Reason (may be left empty)"}
            help="It stands in the log for whoever asks later."
            value={given}
            onChange={(event) => setGiven(event.target.value)}
            maxLength={2000}
          />
        </form>
      )}
    </Window>
  );
}
