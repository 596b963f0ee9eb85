import { useQuery } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useMemo, useState, type ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { KeyForm } from "./key-form.tsx";
import { KeyLine } from "./key-line.tsx";
import { keysQuery } from "./key-queries.ts";

/** Keys of programs: what each may use, and what is left of its budgets. */
export function Budgets(): ReactNode {
  const keys = useQuery(keysQuery);
  const [isMaking, setMaking] = useState(false);
  const actions = useMemo(
    (): readonly ShellAction[] => [
      { id: "new key", title: "New key …", group: "Keys and budgets", words: "api key create", run: () => setMaking(true) },
    ],
    [],
  );
  useActions(actions);
  return (
    <Panel title="Keys" actions={<Button onClick={() => setMaking(true)}>New key …</Button>}>
      <Queried query={keys}>
        {(all) =>
          all.length === 0 ? (
            <Empty icon={KeyRound} title="No key has been made">
              A key lets a program use models through Tutti, with its own budget, and nothing else.
            </Empty>
          ) : (
            <ul className="-my-3 flex flex-col">
              {all.map((key) => (
                <KeyLine key={key.id} entry={key} />
              ))}
            </ul>
          )
        }
      </Queried>
      {isMaking && <KeyForm onClose={() => setMaking(false)} />}
    </Panel>
  );
}
