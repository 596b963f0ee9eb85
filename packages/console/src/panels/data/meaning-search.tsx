import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Sparkles } from "lucide-react";
import { useMemo, useState, type ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Choice, TextField } from "../../parts/fields.tsx";
import { Failure, Empty, Loading } from "../../parts/states.tsx";
import type { Accent } from "../../parts/tones.ts";
import { agentsQuery, catalogQuery, toolsQuery, workflowsQuery } from "../../queries.ts";
import { client } from "../../server.ts";

/** The embedding model that comes with Tutti. */
const OWN_MODEL = "en-512";
const SHOWN = 12;
/** Cosines of the own model below this say nothing; other models have other measures. */
const NEAR = 0.3;

interface Entry {
  readonly kind: "agent" | "workflow" | "tool";
  readonly name: string;
  readonly about: string;
}

const ACCENT: Readonly<Record<Entry["kind"], Accent>> = { agent: "orange", workflow: "violet", tool: "green" };

/** Finds agents, workflows and tools by what they are for. With the model that comes with Tutti nothing leaves this machine. */
export function MeaningSearch(): ReactNode {
  const { q = "", model = OWN_MODEL } = useSearch({ from: "/data" });
  const { data: catalog } = useQuery(catalogQuery);
  const others = (catalog?.models ?? []).filter(({ abilities = [] }) => abilities.includes("embeddings") || abilities.includes("rerank"));
  const ids = [...new Set([OWN_MODEL, model, ...others.map(({ id }) => id)])];
  const navigate = useNavigate();
  const [typed, setTyped] = useState(q);
  return (
    <div className="flex flex-col gap-4">
      <form
        role="search"
        className="flex max-w-3xl flex-wrap items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          void navigate({ to: "/data", search: { tab: "search", q: typed.trim(), ...(model !== OWN_MODEL && { model }) } });
        }}
      >
        <div className="min-w-64 grow">
          <TextField
            label="What should it do?"
            value={typed}
            onChange={({ target }) => setTyped(target.value)}
            maxLength={1000}
            placeholder="add numbers, read a web page, sort my inbox …"
          />
        </div>
        <div className="w-52">
          <Choice
            label="Model"
            value={model}
            options={ids.map((id) => ({ value: id, label: id === OWN_MODEL ? `${id} (comes with Tutti)` : id }))}
            onChange={({ target }) =>
              void navigate({ to: "/data", search: { tab: "search", q, ...(target.value !== OWN_MODEL && { model: target.value }) } })
            }
          />
        </div>
        <Button type="submit" tone="primary" disabled={typed.trim() === ""}>
          Search
        </Button>
      </form>
      {q !== "" && <Found question={q} model={model} />}
    </div>
  );
}

function Found({ question, model }: { readonly question: string; readonly model: string }): ReactNode {
  const entries = useEntries();
  const found = useQuery({
    queryKey: ["meaning", model, question, entries.length],
    enabled: entries.length > 0,
    queryFn: async ({ signal }) => {
      const documents = entries.map(({ name, about }) => `${name.replaceAll(/[_-]/g, " ")}: ${about}`.slice(0, 2000));
      const ranked = await client.rank({ model, query: question, documents, topN: SHOWN }, signal);
      return ranked.flatMap(({ index, score }) => {
        const entry = entries[index];
        return entry === undefined || (model === OWN_MODEL && score < NEAR) ? [] : [{ ...entry, score }];
      });
    },
  });
  if (found.error !== null && found.data === undefined) return <Failure error={found.error} onRetry={() => found.refetch()} />;
  if (found.data === undefined) return <Loading />;
  if (found.data.length === 0)
    return (
      <Empty icon={Sparkles} title="Nothing here is for that">
        Try other words, or bring a plugin or an MCP server that can do it.
      </Empty>
    );
  return (
    <ol className="panel flex flex-col">
      {found.data.map(({ kind, name, about, score }) => (
        <li key={`${kind} ${name}`} className="flex items-center gap-3 border-b border-line/60 px-4 py-2.5 last:border-0">
          <span className="w-20 shrink-0">
            <Badge accent={ACCENT[kind]}>{kind}</Badge>
          </span>
          <span className="min-w-0 grow">
            <EntryLink kind={kind} name={name} />
            <span className="block truncate text-xs text-ink-2" dir="auto">
              {about}
            </span>
          </span>
          <meter min={0} max={1} value={score} aria-label={`How near ${name} is`} className="w-24" />
          <span className="w-10 text-end text-xs text-ink-2 tabular-nums">{score.toFixed(2)}</span>
        </li>
      ))}
    </ol>
  );
}

function EntryLink({ kind, name }: Pick<Entry, "kind" | "name">): ReactNode {
  const look = "block truncate text-[13px] font-medium hover:underline";
  if (kind === "tool")
    return (
      <span className={look} dir="auto">
        {name}
      </span>
    );
  return (
    <Link to={kind === "agent" ? "/agents/$name" : "/workflows/$name"} params={{ name }} className={look} dir="auto">
      {name}
    </Link>
  );
}

function useEntries(): readonly Entry[] {
  const { data: agents } = useQuery(agentsQuery);
  const { data: workflows } = useQuery(workflowsQuery);
  const { data: tools } = useQuery(toolsQuery);
  return useMemo(() => {
    if (agents === undefined || workflows === undefined || tools === undefined) return [];
    const entry =
      (kind: Entry["kind"]) =>
      ({ name, description }: { readonly name: string; readonly description: string }): Entry => ({ kind, name, about: description });
    return [...agents.map(entry("agent")), ...workflows.map(entry("workflow")), ...tools.map(entry("tool"))];
  }, [agents, workflows, tools]);
}
