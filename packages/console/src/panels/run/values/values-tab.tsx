import type { ReactNode } from "react";
import { Panel } from "../../../parts/page.tsx";
import { Empty } from "../../../parts/states.tsx";
import type { RunFacts } from "../run-facts.ts";
import { StoredValue } from "../stored-value.tsx";
import type { Address } from "../use-address.ts";
import { RunComparison } from "./run-comparison.tsx";

/** What went into the run and what came out, and how that differs from another run. */
export function ValuesTab({ facts, address }: { readonly facts: RunFacts; readonly address: Address }): ReactNode {
  return (
    <div className="flex flex-col gap-4 pb-4">
      <div className="grid gap-4 lg:grid-cols-2">
        <Panel title="Input">
          <StoredValue value={facts.input} label="Input" openTo={3} />
        </Panel>
        <Panel title="Output">
          {facts.output === undefined ? (
            <Empty title={facts.hasEnded ? "It gave no output" : "Nothing yet"}>
              {facts.hasEnded ? `The run is ${facts.status}.` : "The output stands here when the run has completed."}
            </Empty>
          ) : (
            <StoredValue value={facts.output} label="Output" openTo={3} />
          )}
        </Panel>
      </div>
      <RunComparison facts={facts} address={address} />
    </div>
  );
}
