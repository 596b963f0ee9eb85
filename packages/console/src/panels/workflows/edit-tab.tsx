import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import type { SavedGraph } from "@tutti/client";
import { useCallback, useState, type ReactNode } from "react";
import { Queried } from "../../parts/queried.tsx";
import { ConflictWindow } from "./conflict-window.tsx";
import { draftAfterSaving, keepDraft, readDraft, type Draft } from "./drafts.ts";
import { GraphEditor } from "./editor/graph-editor.tsx";
import { textOfSaved } from "./graph-words.ts";
import { savedGraphQuery } from "./queries.ts";
import { SaveBar } from "./save-bar.tsx";
import { TEMPLATES } from "./templates.ts";
import { useGraphCheck } from "./use-graph-check.ts";
import { useSaving } from "./use-saving.ts";

/** The editor of a graph that is kept here, or of one that is not saved yet. */
export function EditTab({ name }: { readonly name: string }): ReactNode {
  const query = useQuery(savedGraphQuery(name));
  const { template } = useSearch({ from: "/workflows/$name" });
  return (
    <Queried query={query} lines={10}>
      {(saved) => <Editing name={name} saved={saved} template={template} />}
    </Queried>
  );
}

interface EditingProps {
  readonly name: string;
  readonly saved: SavedGraph | null;
  readonly template: string | undefined;
}

/** What a draft begins as: what this tab had written, else what is saved, else a template. */
function beginning({ name, saved, template }: EditingProps): Draft {
  const kept = readDraft(name);
  if (kept !== undefined) return kept;
  if (saved !== null) return { text: textOfSaved(saved), version: saved.version };
  const { text } = TEMPLATES.find(({ id }) => id === template) ?? (TEMPLATES[0] as (typeof TEMPLATES)[number]);
  return { text: text(name), version: 0 };
}

function Editing({ name, saved, template }: EditingProps): ReactNode {
  const [draft, setDraft] = useState(() => beginning({ name, saved, template }));
  const savedText = saved === null ? undefined : textOfSaved(saved);
  const change = useCallback(
    (next: Partial<Draft>) =>
      setDraft((before) => {
        const draftNow = { ...before, ...next };
        keepDraft(name, draftNow);
        return draftNow;
      }),
    [name],
  );
  const { problems, isChecking } = useGraphCheck(draft.text, name);
  const saving = useSaving({ name, draft, onSaved: (savedNow, sent) => setDraft((now) => draftAfterSaving(now, sent, savedNow)) });
  const isChanged = draft.text !== savedText || draft.version !== saved?.version;
  const onText = useCallback((text: string) => change({ text }), [change]);
  return (
    <div className="flex h-full min-h-0 flex-col gap-3">
      <SaveBar
        name={name}
        draft={draft}
        newest={saved}
        isChanged={isChanged}
        state={isChecking ? "checking" : problems.length === 0 ? "right" : "wrong"}
        saving={saving}
        onMessage={(message) => change({ message })}
        onDiscard={() => {
          const before = draft;
          keepDraft(name, undefined);
          setDraft(beginning({ name, saved, template }));
          return () => change(before);
        }}
      />
      <GraphEditor value={draft.text} onChange={onText} problems={problems} />
      {saving.theirs !== undefined && (
        <ConflictWindow
          mine={draft.text}
          base={draft.version}
          theirs={saving.theirs}
          isBusy={saving.isBusy}
          onKeepMine={() => saving.save(saving.theirs?.version)}
          onTakeTheirs={(theirs) => {
            saving.settle();
            keepDraft(name, undefined);
            setDraft({ text: textOfSaved(theirs), version: theirs.version });
          }}
          onClose={saving.settle}
        />
      )}
    </div>
  );
}
