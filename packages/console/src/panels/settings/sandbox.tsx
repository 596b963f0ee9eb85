import { queryOptions, useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleX, ShieldOff } from "lucide-react";
import type { ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { client } from "../../server.ts";

const processQuery = queryOptions({ queryKey: ["process"], queryFn: ({ signal }) => client.processHealth(signal), refetchInterval: 5000 });

/** What the sandbox promises, and what its self-test saw. */
export function SandboxReportView(): ReactNode {
  const process = useQuery(processQuery);
  return (
    <Panel title="Sandbox">
      <Queried query={process}>
        {({ sandbox }) => {
          if (sandbox.status === "off")
            return (
              <Empty icon={ShieldOff} title="Code execution is off">
                Turn it on with <code className="font-mono text-ink">TUTTI_SANDBOX=auto</code>;{" "}
                <code className="font-mono text-ink">tutti sandbox doctor</code> tells what this machine can hold.
              </Empty>
            );
          if (sandbox.status === "unavailable")
            return (
              <Empty icon={ShieldOff} title="No sandbox holds here">
                {sandbox.reason}
              </Empty>
            );
          if (sandbox.status !== "ready")
            return <Empty title={sandbox.status === "testing" ? "Its self-test runs" : "Its self-test has not run yet"} />;
          const { backend, level, languages, jails, promises } = sandbox.report;
          return (
            <div className="flex flex-col gap-3 text-[13px]">
              <p className="flex flex-wrap items-center gap-2">
                <Badge accent="green">{backend}</Badge>
                <Badge accent="blue">level {level}</Badge>
                {languages.map((language) => (
                  <Badge key={language}>{language}</Badge>
                ))}
                {jails && <Badge>jails</Badge>}
              </p>
              <ul className="flex flex-col">
                {promises.map(({ name, holds, detail }) => (
                  <li key={name} className="flex items-start gap-2 border-b border-line/60 py-1.5 last:border-0">
                    {holds ? (
                      <CircleCheck aria-label="holds" className="mt-0.5 size-4 text-green" />
                    ) : (
                      <CircleX aria-label="does not hold" className="mt-0.5 size-4 text-red" />
                    )}
                    <span className="w-40 shrink-0">{name}</span>
                    <span className="text-ink-2" dir="auto">
                      {detail}
                    </span>
                  </li>
                ))}
              </ul>
              <p className="text-xs text-ink-3">
                Every receipt of a program names these promises by their hash,{" "}
                <code className="font-mono">{sandbox.promisesHash.slice(0, 16)}</code>.
              </p>
            </div>
          );
        }}
      </Queried>
    </Panel>
  );
}
