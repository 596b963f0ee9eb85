/** Google's Lighthouse on the console as a person has it: signed in, in Chromium, served by a whole Tutti. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import lighthouse, { desktopConfig } from "lighthouse";
import { chromium } from "playwright-core";
import { CHROMIUM } from "./console.ts";

/** What is looked at. */
export type Category = "performance" | "accessibility" | "best-practices";
/** The screen and the network that are imitated. */
export type Preset = "desktop" | "mobile";

/** What Lighthouse thinks of a page: a score from 0 to 100 for each category, and the audits that took points off. */
export interface Verdict {
  readonly scores: Readonly<Partial<Record<Category, number>>>;
  readonly faults: readonly string[];
  /** Figures that have a number: milliseconds, bytes, shifts. */
  readonly figures: Readonly<Record<string, number>>;
}

/** A browser that Lighthouse drives. */
export interface Auditor extends AsyncDisposable {
  /** Signs the browser in, with a one-time code. */
  signIn(url: string, code: string): Promise<void>;
  /** Looks at a page as one who opens it for the first time. */
  look(url: string, options: { readonly categories: readonly Category[]; readonly preset: Preset }): Promise<Verdict>;
}

/** How often it is looked whether Chromium has told its port, and how long it may take. */
const PORT_LOOKS_MAX = 600;
const PORT_LOOK_MS = 50;

/** Opens a browser with a profile of its own. */
export async function openAuditor(): Promise<Auditor> {
  await using opening = new AsyncDisposableStack();
  const profile = await mkdtemp(join(tmpdir(), "tutti-lighthouse-"));
  opening.defer(() => rm(profile, { recursive: true, force: true }));
  // Lighthouse opens pages of its own over the port; they share the profile's cookies.
  const context = await chromium.launchPersistentContext(profile, { ...CHROMIUM, args: [...CHROMIUM.args, "--remote-debugging-port=0"] });
  opening.defer(() => context.close());
  const port = await debuggingPort(profile);
  const opened = opening.move();
  return {
    async signIn(url, code) {
      await context.addInitScript('localStorage.setItem("tutti.toured", "yes")');
      const page = await context.newPage();
      await page.goto(`${url}/admin/#code=${code}`);
      await page.getByRole("navigation", { name: "Pages" }).waitFor({ state: "attached" });
      await page.close();
    },
    async look(url, { categories, preset }) {
      const config = preset === "desktop" ? desktopConfig : undefined;
      const result = await lighthouse(url, { port, logLevel: "silent", output: "json", onlyCategories: [...categories] }, config);
      if (result === undefined) throw new Error(`Lighthouse said nothing of ${url}`);
      return verdictOf(result.lhr);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function debuggingPort(profile: string): Promise<number> {
  for (let look = 0; look < PORT_LOOKS_MAX; look += 1) {
    const [port] = await readFile(join(profile, "DevToolsActivePort"), "utf8").then(
      (text) => text.split("\n"),
      () => [],
    );
    if (port !== undefined && port !== "") return Number(port);
    await sleep(PORT_LOOK_MS);
  }
  throw new Error("wanted Chromium to tell its port, got none");
}

/** What is used of what Lighthouse tells. */
interface Report {
  readonly runtimeError?: { readonly message: string };
  readonly categories: Readonly<
    Record<string, { readonly score: number | null; readonly auditRefs: readonly { readonly id: string; readonly weight: number }[] }>
  >;
  readonly audits: Readonly<
    Record<string, { readonly score: number | null; readonly title: string; readonly numericValue?: number; readonly details?: unknown }>
  >;
}

function verdictOf({ runtimeError, categories, audits }: Report): Verdict {
  if (runtimeError !== undefined) throw new Error(runtimeError.message);
  const scores = Object.fromEntries(Object.entries(categories).map(([name, { score }]) => [name, Math.round((score ?? 0) * 100)]));
  const faults = Object.values(categories).flatMap(({ auditRefs }) =>
    auditRefs.flatMap(({ id, weight }) => {
      const audit = audits[id];
      if (weight === 0 || audit === undefined || audit.score === null || audit.score >= 1) return [];
      return [`${id} (${audit.score}): ${audit.title} ${JSON.stringify(audit.details ?? {}).slice(0, 1000)}`];
    }),
  );
  const figures = Object.entries(audits).flatMap(([id, { numericValue }]) =>
    numericValue === undefined ? [] : [[id, numericValue] as const],
  );
  return { scores, faults, figures: Object.fromEntries(figures) };
}
