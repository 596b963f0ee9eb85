import type { SavedGraph } from "@tutti/client";
import { Play, Save } from "lucide-react";
import { useMemo, useState, type ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Moment } from "../../parts/time.tsx";
import { say } from "../../parts/toasts.tsx";
import { Window } from "../../parts/window.tsx";
import { client } from "../../server.ts";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import type { Draft } from "./drafts.ts";
import { readText } from "./editor/graph-text.ts";
import { StartForm } from "./start-form.tsx";
import { useGoToRun } from "./start-window.tsx";
import type { Saving } from "./use-saving.ts";

interface SaveBarProps {
  readonly name: string;
  readonly draft: Draft;
  readonly newest: SavedGraph | null;
  readonly isChanged: boolean;
  readonly state: "checking" | "right" | "wrong";
  readonly saving: Saving;
  readonly onMessage: (message: string) => void;
  /** Goes back to what is saved; gives what takes that back. */
  readonly onDiscard: () => () => void;
}

/** Where the draft stands beside what is saved, and what can be done with it. */
export function SaveBar({ name, draft, newest, isChanged, state, saving, onMessage, onDiscard }: SaveBarProps): ReactNode {
  const [isStarting, setStarting] = useState(false);
  const { save } = saving;
  const actions: readonly ShellAction[] = useMemo(
    () => [{ id: "graph start", title: `Start ${name} as it stands in the editor`, group: "Graph editor", run: () => setStarting(true) }],
    [name],
  );
  useActions(actions);
  useActions([{ id: "graph save", title: `Save ${name}`, group: "Graph editor", keys: "mod+s", run: () => save() }]);
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Standing newest={newest} isChanged={isChanged} state={state} />
      <span className="grow" />
      {isChanged && newest !== null && (
        <Button tone="quiet" onClick={() => say("The changes are gone", { undo: onDiscard() })}>
          Discard changes
        </Button>
      )}
      <input
        aria-label="What has changed"
        placeholder="What has changed"
        maxLength={1000}
        dir="auto"
        value={draft.message ?? ""}
        onChange={({ target }) => onMessage(target.value)}
        onKeyDown={({ key }) => key === "Enter" && save()}
        className="h-8 w-56 max-w-full rounded-md border border-line-strong bg-ground px-2.5 text-[13px] text-ink placeholder:text-ink-3"
      />
      <Button onClick={() => setStarting(true)} disabled={state !== "right"}>
        <Play aria-hidden className="size-3.5" />
        Start
      </Button>
      <Button tone="primary" isBusy={saving.isBusy} disabled={!isChanged} onClick={() => save()}>
        <Save aria-hidden className="size-3.5" />
        Save
      </Button>
      {isStarting && <StartDraft name={name} draft={draft} isChanged={isChanged} onClose={() => setStarting(false)} />}
    </div>
  );
}

const STATES = {
  checking: { accent: "grey", word: "checking" },
  right: { accent: "green", word: "nothing is wrong" },
  wrong: { accent: "red", word: "something is wrong" },
} as const;

function Standing({ newest, isChanged, state }: Pick<SaveBarProps, "newest" | "isChanged" | "state">): ReactNode {
  const { accent, word } = STATES[state];
  return (
    <p role="status" className="flex flex-wrap items-center gap-2 text-xs text-ink-2">
      <Badge accent={accent}>{word}</Badge>
      {isChanged && <Badge accent="orange">not saved</Badge>}
      {newest !== null && (
        <span>
          {`version ${newest.version} by `}
          <span dir="auto">{newest.by}</span>
          {", "}
          <Moment at={newest.savedAt} />
        </span>
      )}
    </p>
  );
}

interface StartDraftProps extends Pick<SaveBarProps, "name" | "draft" | "isChanged"> {
  readonly onClose: () => void;
}

/** Starts what stands in the editor, saved or not. */
function StartDraft({ name, draft, isChanged, onClose }: StartDraftProps): ReactNode {
  const goToRun = useGoToRun();
  const reading = readText(draft.text);
  return (
    <Window
      title={`Start ${name}`}
      about={isChanged ? "As it stands in the editor; it is not saved by this." : `Version ${draft.version}.`}
      isOpen
      onClose={onClose}
    >
      <StartForm
        workflow={name}
        schema={reading.ok ? (reading.root["input"] ?? null) : null}
        start={(input) => (isChanged ? client.startGraph({ text: draft.text, name, input }) : client.startSavedGraph(name, { input }))}
        onStarted={goToRun}
      />
    </Window>
  );
}
