import { useQuery } from "@tanstack/react-query";
import type { GraphVersionDifference } from "@tutti/client";
import type { Json } from "@tutti/core";
import { useState, type ReactNode } from "react";
import { stringify } from "yaml";
import { Badge } from "../../parts/badge.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { TextDiff } from "../../parts/text-diff-view.tsx";
import type { Accent } from "../../parts/tones.ts";
import { textOfSaved } from "./graph-words.ts";
import { graphDifferenceQuery, graphVersionQuery } from "./queries.ts";

interface VersionDiffProps {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** What two versions differ in: by nodes and edges, and line by line. */
export function VersionDiff({ name, from, to }: VersionDiffProps): ReactNode {
  const [tab, setTab] = useState<"structure" | "text">("structure");
  if (from === to)
    return (
      <Panel title="What differs">
        <Empty title="Choose two versions">They are compared here.</Empty>
      </Panel>
    );
  return (
    <Panel title={`From version ${from} to version ${to}`}>
      <Tabs
        label="Kinds of difference"
        tab={tab}
        onTab={setTab}
        tabs={[
          { id: "structure", title: "Nodes and edges", content: () => <StructuralDiff name={name} from={from} to={to} /> },
          { id: "text", title: "Text", content: () => <TextualDiff name={name} from={from} to={to} /> },
        ]}
      />
    </Panel>
  );
}

function TextualDiff({ name, from, to }: VersionDiffProps): ReactNode {
  const before = useQuery(graphVersionQuery(name, from));
  const after = useQuery(graphVersionQuery(name, to));
  return (
    <Queried query={before}>
      {(old) => (
        <Queried query={after}>
          {(fresh) => <TextDiff label="Lines that differ" before={textOfSaved(old)} after={textOfSaved(fresh)} />}
        </Queried>
      )}
    </Queried>
  );
}

const PARTS: readonly (readonly [
  keyof Pick<GraphVersionDifference, "added" | "removed" | "connected" | "disconnected">,
  string,
  Accent,
])[] = [
  ["added", "Nodes added", "green"],
  ["removed", "Nodes taken out", "red"],
  ["connected", "Edges added", "green"],
  ["disconnected", "Edges taken out", "red"],
];

function StructuralDiff({ name, from, to }: VersionDiffProps): ReactNode {
  const query = useQuery(graphDifferenceQuery(name, from, to));
  return (
    <Queried query={query}>
      {(difference) => {
        const { replaced, fields, nodes } = difference;
        const isSame = replaced.length + fields.length === 0 && PARTS.every(([key]) => difference[key].length === 0);
        if (isSame) return <Empty title="Nothing differs">Only how it is written, such as comments.</Empty>;
        return (
          <div className="flex flex-col gap-4">
            {fields.length > 0 && <Names title="Said of the graph" accent="blue" names={fields} />}
            {PARTS.map(([key, title, accent]) =>
              difference[key].length === 0 ? null : <Names key={key} title={title} accent={accent} names={difference[key]} />,
            )}
            {replaced.map((id) => (
              <section key={id} aria-label={`Node ${id}`}>
                <h3 className="mb-1.5 text-xs font-semibold text-ink-2" dir="auto">
                  {`Node ${id} changed`}
                </h3>
                <TextDiff label={`What changed in ${id}`} before={yamlOf(nodes[id]?.before)} after={yamlOf(nodes[id]?.after)} />
              </section>
            ))}
          </div>
        );
      }}
    </Queried>
  );
}

function Names({
  title,
  accent,
  names,
}: {
  readonly title: string;
  readonly accent: Accent;
  readonly names: readonly string[];
}): ReactNode {
  return (
    <section aria-label={title}>
      <h3 className="mb-1.5 text-xs font-semibold text-ink-2">{title}</h3>
      <p className="flex flex-wrap gap-1.5">
        {names.map((name) => (
          <Badge key={name} accent={accent}>
            {name}
          </Badge>
        ))}
      </p>
    </section>
  );
}

function yamlOf(value: Json | null | undefined): string {
  return value === undefined || value === null ? "" : stringify(value, { lineWidth: 0 }).trimEnd();
}
