import { useQuery } from "@tanstack/react-query";
import type { SavedGraph } from "@tutti/client";
import { useState, type ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { TextDiff } from "../../parts/text-diff-view.tsx";
import { Moment } from "../../parts/time.tsx";
import { GoBack, Window } from "../../parts/window.tsx";
import { textOfSaved } from "./graph-words.ts";
import { graphVersionQuery } from "./queries.ts";

interface ConflictWindowProps {
  readonly mine: string;
  /** The version that the draft was made from. */
  readonly base: number;
  readonly theirs: SavedGraph;
  readonly isBusy: boolean;
  readonly onKeepMine: () => void;
  readonly onTakeTheirs: (theirs: SavedGraph) => void;
  readonly onClose: () => void;
}

/** Shows what somebody else has saved meanwhile, before anything of theirs or of ours is lost. */
export function ConflictWindow({ mine, base, theirs, isBusy, onKeepMine, onTakeTheirs, onClose }: ConflictWindowProps): ReactNode {
  const [tab, setTab] = useState<"both" | "theirs">("theirs");
  const { data: before } = useQuery({ ...graphVersionQuery(theirs.name, base), enabled: base > 0 });
  const theirText = textOfSaved(theirs);
  return (
    <Window
      title={`Version ${theirs.version} was saved meanwhile`}
      about={
        <>
          <span dir="auto">{theirs.by}</span>
          {", "}
          <Moment at={theirs.savedAt} />
          {theirs.message === "" ? "" : ": "}
          <span dir="auto">{theirs.message}</span>
        </>
      }
      isWide
      isOpen
      onClose={onClose}
      foot={
        <>
          <GoBack onClick={onClose} />
          <Button onClick={() => onTakeTheirs(theirs)}>Take theirs</Button>
          <Button tone="primary" isBusy={isBusy} onClick={onKeepMine}>
            {`Save mine as version ${theirs.version + 1}`}
          </Button>
        </>
      }
    >
      <Tabs
        label="What to compare"
        tab={tab}
        onTab={setTab}
        tabs={[
          {
            id: "theirs",
            title: "What they changed",
            content: () => (
              <TextDiff label="What they changed" before={before === undefined ? "" : textOfSaved(before)} after={theirText} />
            ),
          },
          {
            id: "both",
            title: "Theirs beside mine",
            content: () => <TextDiff label="From theirs to mine" before={theirText} after={mine} />,
          },
        ]}
      />
    </Window>
  );
}
