import { queryOptions, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { probeModel, type CatalogModel, type ModelRoute, type Probed } from "@tutti/client";
import { BrainCircuit } from "lucide-react";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { TextField } from "../../parts/fields.tsx";
import { Panel } from "../../parts/page.tsx";
import { Queried } from "../../parts/queried.tsx";
import { Empty } from "../../parts/states.tsx";
import { complain } from "../../parts/toasts.tsx";
import type { Accent } from "../../parts/tones.ts";
import { duration, several, short } from "../../parts/words.ts";
import { catalogQuery } from "../../queries.ts";
import { client } from "../../server.ts";

const routesQuery = queryOptions({ queryKey: ["model routes"], queryFn: ({ signal }) => client.modelRoutes(signal) });

/** Models that are drawn; a provider may list hundreds. */
const MODELS_SHOWN = 100;

/** Providers, their models, and a test of each. */
export function Models(): ReactNode {
  const catalog = useQuery(catalogQuery);
  const routes = useQuery(routesQuery);
  return (
    <>
      <Panel
        title="Providers"
        actions={
          <Button onClick={() => void catalog.refetch()} isBusy={catalog.isFetching}>
            Ask them again
          </Button>
        }
      >
        <Queried query={catalog}>
          {({ providers }) =>
            providers.length === 0 ? (
              <Empty icon={BrainCircuit} title="No provider is configured">
                Set <code className="font-mono text-ink">TUTTI_MODEL_BASE_URL</code> and{" "}
                <code className="font-mono text-ink">TUTTI_MODEL</code>, for example{" "}
                <code className="font-mono text-ink">http://127.0.0.1:11434/v1</code> and a model of your Ollama.
              </Empty>
            ) : (
              <ul className="-my-2 flex flex-col">
                {providers.map(({ name, kind, models, complaint }) => (
                  <li key={name} className="flex flex-wrap items-center gap-3 border-b border-line/60 py-2 text-[13px] last:border-0">
                    <span className="font-medium" dir="auto">
                      {name}
                    </span>
                    <Badge>{kind}</Badge>
                    <Badge accent={complaint === undefined ? "green" : "red"}>
                      {complaint === undefined ? "answers" : "does not answer"}
                    </Badge>
                    <span className="text-xs text-ink-2">{several(models, "model")}</span>
                    {complaint !== undefined && (
                      <span className="text-xs text-yellow" dir="auto">
                        {complaint}
                      </span>
                    )}
                  </li>
                ))}
              </ul>
            )
          }
        </Queried>
      </Panel>
      <ModelList />
      {(routes.data ?? []).length > 0 && (
        <Panel title="Named models">
          <ul className="-my-2 flex flex-col">
            {routes.data?.map((route) => (
              <RouteLine key={route.name} route={route} />
            ))}
          </ul>
        </Panel>
      )}
    </>
  );
}

function ModelList(): ReactNode {
  const catalog = useQuery(catalogQuery);
  const { q: wanted = "" } = useSearch({ strict: false });
  const navigate = useNavigate();
  return (
    <Panel title="Models">
      <div className="max-w-sm pb-3">
        <TextField
          label="Find a model"
          type="search"
          value={wanted}
          onChange={({ target }) =>
            void navigate({ to: "/settings/$section", params: { section: "models" }, search: { q: target.value }, replace: true })
          }
        />
      </div>
      <Queried query={catalog}>
        {({ models }) => {
          const found = models.filter(({ id }) => id.toLowerCase().includes(wanted.toLowerCase()));
          if (found.length === 0) return <p className="text-[13px] text-ink-2">No model is called that.</p>;
          return (
            <ul className="-my-2 flex flex-col">
              {found.slice(0, MODELS_SHOWN).map((model) => (
                <ModelLine key={model.id} model={model} />
              ))}
              {found.length > MODELS_SHOWN && (
                <li className="py-2 text-xs text-ink-2">{`${MODELS_SHOWN} of ${found.length}; find the others by their names.`}</li>
              )}
            </ul>
          );
        }}
      </Queried>
    </Panel>
  );
}

function RouteLine({ route: { name, strategy, targets } }: { readonly route: ModelRoute }): ReactNode {
  return (
    <li className="flex flex-wrap items-center gap-2 border-b border-line/60 py-2 text-[13px] last:border-0">
      <span className="font-medium" dir="auto">
        {name}
      </span>
      <Badge accent="violet">{strategy}</Badge>
      <span className="text-xs text-ink-2" dir="auto">
        {targets.map(({ model }) => model).join(", ")}
      </span>
    </li>
  );
}

const OUTCOME: Readonly<Record<Probed["outcome"], Accent>> = { passed: "green", failed: "red", skipped: "grey" };

function ModelLine({ model }: { readonly model: CatalogModel }): ReactNode {
  const { id, contextTokens, abilities = [], price, stats } = model;
  const [probes, setProbes] = useState<readonly Probed[]>([]);
  const testing = useRef<AbortController>(null);
  const [isBusy, setBusy] = useState(false);
  // A test that nobody sees goes on to cost.
  useEffect(() => () => testing.current?.abort(), []);
  const test = async (): Promise<void> => {
    const controller = new AbortController();
    testing.current = controller;
    setBusy(true);
    setProbes([]);
    try {
      for await (const probed of probeModel(client, model, controller.signal)) setProbes((known) => [...known, probed]);
    } catch (thrown) {
      if (!controller.signal.aborted) complain(thrown);
    } finally {
      setBusy(false);
    }
  };
  return (
    <li aria-label={id} className="flex flex-col gap-2 border-b border-line/60 py-2 last:border-0">
      <div className="flex flex-wrap items-center gap-2 text-[13px]">
        <span className="min-w-0 truncate font-mono text-xs" dir="auto">
          {id}
        </span>
        {abilities.map((ability) => (
          <Badge key={ability}>{ability}</Badge>
        ))}
        <span className="grow" />
        <span className="text-xs text-ink-2">
          {[
            contextTokens !== undefined && `${short(contextTokens)} context`,
            price !== undefined && `$${price.inputPerMillion} / $${price.outputPerMillion} per million`,
            stats?.latencyMs !== undefined && duration(stats.latencyMs),
            stats !== undefined && stats.failures > 0 && `${stats.failures} failed`,
          ]
            .filter((part) => part !== false)
            .join(" · ")}
        </span>
        <Button onClick={() => (isBusy ? testing.current?.abort() : void test())}>{isBusy ? "Stop" : "Test"}</Button>
      </div>
      {probes.length > 0 && (
        <ul aria-label={`Tests of ${id}`} className="flex flex-col gap-1 ps-3">
          {probes.map(({ what, outcome, durationMs, detail }) => (
            <li key={what} className="flex items-baseline gap-2 text-xs">
              <Badge accent={OUTCOME[outcome]}>{outcome}</Badge>
              <span className="w-20">{what}</span>
              <span className="w-16 text-ink-3 tabular-nums">{outcome === "skipped" ? "" : duration(durationMs)}</span>
              <span className="min-w-0 break-words text-ink-2" dir="auto">
                {detail}
              </span>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}
