import { KeyRound } from "lucide-react";
import { useMemo, useState, type ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { Empty } from "../../parts/states.tsx";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { GivenList } from "./given-list.tsx";
import { GrantForm } from "./grant-form.tsx";

/** Standing grants: calls of a tool that nobody is asked about for some time. */
export function Grants(): ReactNode {
  const [isMaking, setMaking] = useState(false);
  const actions = useMemo(
    (): readonly ShellAction[] => [
      { id: "grants new", title: "Give a standing grant", group: "Approvals", keys: "+", run: () => setMaking(true) },
    ],
    [],
  );
  useActions(actions);
  return (
    <>
      <GivenList
        kind="grant"
        label="Standing grants"
        actions={
          <Button tone="primary" onClick={() => setMaking(true)}>
            Give a grant …
          </Button>
        }
        empty={
          <Empty icon={KeyRound} title="No standing grant">
            A grant lets calls of one tool through without asking: so many, of inputs like these, until then.
          </Empty>
        }
      />
      {isMaking && <GrantForm onClose={() => setMaking(false)} />}
    </>
  );
}
