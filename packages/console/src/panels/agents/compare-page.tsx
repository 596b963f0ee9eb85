import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ArrowLeftRight, Play, Square } from "lucide-react";
import { useState, type ReactNode } from "react";
import { Button, IconButton } from "../../parts/button.tsx";
import { TextArea, TextField } from "../../parts/fields.tsx";
import { Page, Panel } from "../../parts/page.tsx";
import { Empty, Failure } from "../../parts/states.tsx";
import { TextDiff } from "../../parts/text-diff-view.tsx";
import { catalogQuery, modelsQuery } from "../../queries.ts";
import { useActions } from "../../shell/actions.ts";
import { NamedField } from "../workflows/editor/value-field.tsx";
import { Side } from "./compare-side.tsx";
import { Votes } from "./compare-votes.tsx";
import { useAsked, type Sides } from "./use-asked.ts";
import type { Sampling } from "./use-completion.ts";

const SEED_MAX = 2_147_483_647;

type Search = Readonly<Record<string, string | undefined>>;

/** Two models or agents, one prompt: their answers side by side, as they come. */
export function ComparePage(): ReactNode {
  const search: Search = useSearch({ from: "/compare" });
  const navigate = useNavigate({ from: "/compare" });
  const set = (changes: Search): void => void navigate({ search: (before) => ({ ...before, ...changes }), replace: true });
  const ids = useChatting();
  const names = { a: search["a"] ?? ids[0] ?? "", b: search["b"] ?? ids[1] ?? ids[0] ?? "" };
  const asked = useAsked(search["asked"], (id) => void navigate({ search: (before) => ({ ...before, ...names, asked: id }) }));
  const { sides } = asked;
  const [typed, setTyped] = useState<{ readonly of: string | undefined; readonly text: string }>();
  // Another comparison brings its own prompt.
  const prompt = typed !== undefined && typed.of === search["asked"] ? typed.text : asked.prompt;
  const body = bodyOf(search);
  const ask = (): void => {
    if (prompt.trim() !== "" && body !== undefined && !asked.isAsking) void asked.ask(names, prompt, body);
  };
  const swap = (): void => {
    if (asked.isOpen) return;
    set({ a: names.b, b: names.a });
    asked.swap();
  };
  useCompareActions({ ask, stop: asked.stop, swap });
  return (
    <Page title="Compare" about="Two models or agents, one prompt. What goes wrong with one does not touch the other.">
      <form
        className="panel flex flex-col gap-3 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          ask();
        }}
      >
        <Choices {...{ names, ids, search, set, swap }} canSwap={!asked.isOpen} />
        <Prompt prompt={prompt} onPrompt={(text) => setTyped({ of: search["asked"], text })} onSend={ask} />
        <div className="flex gap-2">
          <Button type="submit" tone="primary" isBusy={asked.isAsking} disabled={prompt.trim() === "" || body === undefined}>
            <Play aria-hidden className="size-3.5" />
            Ask both
          </Button>
          {asked.canStop && (
            <Button tone="danger" onClick={asked.stop}>
              <Square aria-hidden className="size-3.5" />
              Stop
            </Button>
          )}
        </div>
      </form>
      <Trouble isMissing={asked.isMissing} error={asked.error} />
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Side title="First" state={sides.a} />
        <Side title="Second" state={sides.b} />
      </div>
      <Together {...sides} />
    </Page>
  );
}

/** The models and agents that chat: what is known not to cannot be asked; what is not known can. */
function useChatting(): readonly string[] {
  const { data: models = [] } = useQuery(modelsQuery);
  const { data: catalog } = useQuery(catalogQuery);
  const silent = new Set(
    catalog?.models.filter(({ abilities }) => abilities?.includes("chat") === false).flatMap(({ id, name }) => [id, name]),
  );
  return models.map(({ id }) => id).filter((id) => !silent.has(id));
}

/** Why what the address names is not here. */
function Trouble({ isMissing, error }: { readonly isMissing: boolean; readonly error: unknown }): ReactNode {
  if (error !== null) return <Failure error={error} />;
  if (!isMissing) return null;
  return <Empty title="This comparison is not kept any more">Only the newest are. Ask again for new answers.</Empty>;
}

interface ChoicesProps {
  readonly names: { readonly a: string; readonly b: string };
  readonly ids: readonly string[];
  readonly search: Search;
  readonly set: (changes: Search) => void;
  readonly swap: () => void;
  readonly canSwap: boolean;
}

function Choices({ names, ids, search, set, swap, canSwap }: ChoicesProps): ReactNode {
  return (
    <div className="grid items-start gap-3 sm:grid-cols-[1fr_auto_1fr_7rem_8rem]">
      <NamedField label="First" value={names.a} names={ids} onChange={(next) => set({ a: next })} />
      <span className="sm:pt-5">
        <IconButton label="Swap the sides" onClick={swap} disabled={!canSwap}>
          <ArrowLeftRight aria-hidden className="size-4" />
        </IconButton>
      </span>
      <NamedField label="Second" value={names.b} names={ids} onChange={(next) => set({ b: next })} />
      <TextField
        label="Temperature"
        inputMode="decimal"
        placeholder="as usual"
        value={search["temperature"] ?? ""}
        problem={isTemperature(search["temperature"]) ? undefined : "from 0 to 2"}
        onChange={({ target }) => set({ temperature: target.value })}
      />
      <TextField
        label="Seed"
        inputMode="numeric"
        placeholder="none"
        value={search["seed"] ?? ""}
        problem={isSeed(search["seed"]) ? undefined : "a whole number"}
        onChange={({ target }) => set({ seed: target.value })}
      />
    </div>
  );
}

interface PromptProps {
  readonly prompt: string;
  readonly onPrompt: (prompt: string) => void;
  readonly onSend: () => void;
}

function Prompt({ prompt, onPrompt, onSend }: PromptProps): ReactNode {
  return (
    <TextArea
      label="Prompt"
      help="Control or Command with Enter asks."
      value={prompt}
      maxLength={200_000}
      onChange={({ target }) => onPrompt(target.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) onSend();
      }}
    />
  );
}

/** What can be said when both have answered. */
function Together({ a, b }: Sides): ReactNode {
  if (a.phase !== "done" || b.phase !== "done") return null;
  return (
    <>
      <Votes a={a} b={b} />
      <Panel title="What differs, from the first to the second">
        <TextDiff label="What differs" before={a.text} after={b.text} />
      </Panel>
    </>
  );
}

/** The request without its models; undefined when a number is none. */
function bodyOf(search: Search): Sampling | undefined {
  if (!isTemperature(search["temperature"]) || !isSeed(search["seed"])) return undefined;
  const temperature = numberOf(search["temperature"]);
  const seed = numberOf(search["seed"]);
  return {
    ...(temperature !== undefined && { temperature }),
    ...(seed !== undefined && { seed }),
  };
}

function isTemperature(text: string | undefined): boolean {
  const temperature = numberOf(text);
  return temperature === undefined || (temperature >= 0 && temperature <= 2);
}

function isSeed(text: string | undefined): boolean {
  const seed = numberOf(text);
  return seed === undefined || (Number.isInteger(seed) && Math.abs(seed) <= SEED_MAX);
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || text.trim() === "" ? undefined : Number(text);
}

function useCompareActions({ ask, stop, swap }: Readonly<Record<"ask" | "stop" | "swap", () => void>>): void {
  useActions([
    { id: "compare ask", title: "Ask both", group: "Compare", run: ask },
    { id: "compare stop", title: "Stop both", group: "Compare", keys: "mod+.", run: stop },
    { id: "compare swap", title: "Swap the sides", group: "Compare", keys: "x", run: swap },
  ]);
}
