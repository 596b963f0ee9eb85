import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ExaminedSandbox } from "@tutti/client";
import type { SandboxReport } from "@tutti/core/sandbox";
import { CircleCheck, CircleX, ShieldOff } from "lucide-react";
import { useMemo, type ReactNode } from "react";
import { useAction } from "../../action.ts";
import { useLatest } from "../../latest.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { complain } from "../../parts/toasts.tsx";
import { useActions, type ShellAction } from "../../shell/actions.ts";
import { client } from "../../server.ts";

const processQuery = queryOptions({ queryKey: ["process"], queryFn: ({ signal }) => client.processHealth(signal), refetchInterval: 5000 });

/** What the sandbox promises, what its self-test saw, and what else this machine has. */
export function SandboxReportView(): ReactNode {
  return (
    <>
      <InUse />
      <Examination />
    </>
  );
}

function InUse(): ReactNode {
  const process = useQuery(processQuery);
  return (
    <Panel title="In use">
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
          return (
            <>
              <ReportView report={sandbox.report} />
              <p className="pt-3 text-xs text-ink-3">
                Every receipt of a program names these promises by their hash,{" "}
                <code className="font-mono">{sandbox.promisesHash.slice(0, 16)}</code>.
              </p>
            </>
          );
        }}
      </Queried>
    </Panel>
  );
}

function ReportView({ report: { backend, level, languages, jails, promises } }: { readonly report: SandboxReport }): ReactNode {
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
              <CircleCheck aria-label="holds" className="mt-0.5 size-4 shrink-0 text-green" />
            ) : (
              <CircleX aria-label="does not hold" className="mt-0.5 size-4 shrink-0 text-red" />
            )}
            <span className="w-36 shrink-0">{name}</span>
            <span className="min-w-0 break-words text-ink-2" dir="auto">
              {detail}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Every sandbox of the machine, tested when somebody asks: the tests fill its cores for a moment. */
function Examination(): ReactNode {
  const queries = useQueryClient();
  const examining = useAction({
    mutationFn: () => client.examineSandboxes(),
    onSuccess: () => queries.invalidateQueries(processQuery),
    onError: complain,
  });
  const latest = useLatest(examining.mutate);
  const actions = useMemo(
    (): readonly ShellAction[] => [
      { id: "examine sandboxes", title: "Test every sandbox", group: "Sandbox", words: "doctor self-test", run: () => latest.current() },
    ],
    [latest],
  );
  useActions(actions);
  return (
    <Panel
      title="What this machine has"
      actions={
        <Button onClick={() => examining.mutate()} isBusy={examining.isPending}>
          {examining.data === undefined ? "Test every sandbox" : "Test again"}
        </Button>
      }
    >
      {examining.data === undefined ? (
        <p className="text-[13px] text-ink-2" role="status">
          {examining.isPending
            ? "Each is opened, asked to break its promises, and closed. This takes some seconds."
            : "Opens each sandbox, has its self-test try to break what it promises, and tells what holds and how to get those that are missing."}
        </p>
      ) : (
        <ul aria-label="Sandboxes" className="-my-3 flex flex-col">
          {examining.data.backends.map((examined) => (
            <ExaminedLine key={examined.backend} examined={examined} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

const OUTCOME = { ready: "green", failed: "red", missing: "grey" } as const;

function ExaminedLine({ examined: { backend, status, report, reason, howToGet } }: { readonly examined: ExaminedSandbox }): ReactNode {
  return (
    <li className="flex flex-col gap-2 border-b border-line/60 py-3 text-[13px] last:border-0">
      <p className="flex items-center gap-2">
        <span className="font-medium">{backend}</span>
        <Badge accent={OUTCOME[status]}>{status}</Badge>
        {report !== undefined && <Badge accent="blue">level {report.level}</Badge>}
      </p>
      {reason !== undefined && (
        <p className="text-xs break-words text-ink-2" dir="auto">
          {reason}
        </p>
      )}
      {status !== "ready" && <p className="text-xs text-orange">{howToGet}</p>}
      {report !== undefined && (
        <details>
          <summary className="cursor-pointer text-xs text-ink-2">What its self-test saw</summary>
          <div className="pt-2">
            <ReportView report={report} />
          </div>
        </details>
      )}
    </li>
  );
}
