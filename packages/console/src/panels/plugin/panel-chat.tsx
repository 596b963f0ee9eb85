import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { MessageSquarePlus } from "lucide-react";
import { useState, type ReactNode } from "react";
import { Button, buttonLook } from "../../parts/button.tsx";
import { Queried } from "../../parts/queried.tsx";
import { client } from "../../server.ts";
import { Talk } from "../agents/chat-tab.tsx";

/** A conversation with a panel's agent, as on the agent's own page: answers as they come, tools, approvals, and stop. */
export function PanelChat({ agent: name }: { readonly agent: string }): ReactNode {
  const agent = useQuery({ queryKey: ["agent", name], queryFn: ({ signal }) => client.agent(name, signal) });
  const [runId, setRunId] = useState<string>();
  const [edition, setEdition] = useState(0);
  const begin = (): void => {
    setRunId(undefined);
    setEdition(edition + 1);
  };
  return (
    <Queried query={agent}>
      {(entry) => (
        <div className="flex flex-col gap-6">
          <Talk key={edition} agent={entry} runId={runId} onRun={setRunId} onNew={begin} isPart />
          {runId !== undefined && (
            <p className="flex flex-wrap gap-2">
              <Button onClick={begin}>
                <MessageSquarePlus aria-hidden className="size-3.5" />
                New conversation
              </Button>
              <Link to="/agents/$name" params={{ name }} search={{ tab: "chat", run: runId }} className={buttonLook("quiet")}>
                Go on with it on the agent's page
              </Link>
            </p>
          )}
        </div>
      )}
    </Queried>
  );
}
