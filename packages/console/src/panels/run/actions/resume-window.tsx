import { useState, type ReactNode } from "react";
import { useAction } from "../../../action.ts";
import { Button } from "../../../parts/button.tsx";
import { TextField } from "../../../parts/fields.tsx";
import { complain, say } from "../../../parts/toasts.tsx";
import { GoBack, Window } from "../../../parts/window.tsx";
import { client } from "../../../server.ts";
import type { RunFacts } from "../run-facts.ts";

/** Goes on with a paused run, under another version of its workflow if one is named. */
export function ResumeWindow({ facts, onClose }: { readonly facts: RunFacts; readonly onClose: () => void }): ReactNode {
  const [version, setVersion] = useState("");
  const resuming = useAction({
    mutationFn: () => client.resumeRun(facts.runId, version.trim() === "" ? {} : { version: version.trim() }),
    onSuccess: () => {
      say("The run goes on.");
      onClose();
    },
    onError: complain,
  });
  return (
    <Window
      title="Resume the run"
      about={facts.error === undefined ? undefined : <bdi>{`It is paused: ${facts.error.code}, ${facts.error.message}`}</bdi>}
      isOpen
      onClose={onClose}
      foot={
        <>
          <GoBack onClick={onClose} />
          <Button tone="primary" isBusy={resuming.isPending} onClick={() => resuming.mutate()}>
            Resume
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          resuming.mutate();
        }}
      >
        <TextField
          label="Version (may be left empty)"
          help={`It began with version ${facts.version}. Another one must take the same steps up to here.`}
          value={version}
          maxLength={200}
          onChange={(event) => setVersion(event.target.value)}
        />
      </form>
    </Window>
  );
}
