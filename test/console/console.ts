/** The console as a person has it: in Chromium, served by a whole Tutti, signed in through a one-time link. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { startTestApp, type TestApp } from "tutti/testing";

/** How Chromium is started. */
export const CHROMIUM = {
  executablePath: "/usr/bin/chromium",
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // A microphone that beeps; a page gets it only in a context that permits it.
    "--use-fake-device-for-media-stream",
  ],
};
const VIEWPORT = { width: 1440, height: 900 };
/** A busy machine draws late. */
const PATIENCE_MS = 30_000;

/** A Tutti and a browser that looks at it. */
export interface TestConsole extends AsyncDisposable {
  readonly tutti: TestApp;
  readonly browser: Browser;
  /** A new browser profile, signed in, at a page ("/runs?status=failed"). */
  open(path?: string, options?: BrowserContextOptions): Promise<ConsolePage>;
  /** Ends the server and starts it again on the same port and data. */
  restart(whileDown?: () => Promise<void>): Promise<void>;
}

/** A page of the console. */
export type ConsolePage = Page & {
  /** What went wrong in the page so far: errors that nobody caught, and whatever its security policy refused. */
  readonly problems: readonly string[];
};

/** Starts both; `options` as for a Tutti in a test. */
export async function openConsole(options: Parameters<typeof startTestApp>[0] = {}): Promise<TestConsole> {
  await using opening = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), "tutti-console-"));
  opening.defer(() => rm(dataDir, { recursive: true, force: true }));
  let tutti = await startTestApp({ ...options, dataDir });
  opening.defer(() => tutti[Symbol.asyncDispose]());
  const browser = await chromium.launch(CHROMIUM);
  opening.defer(() => browser.close());
  const opened = opening.move();
  return {
    get tutti() {
      return tutti;
    },
    browser,
    open: (path = "/", context = {}) => openPage({ browser, tutti }, path, context),
    async restart(whileDown) {
      const port = Number(new URL(tutti.url).port);
      await tutti[Symbol.asyncDispose]();
      await whileDown?.();
      tutti = await startTestApp({ ...options, dataDir, port });
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function openPage(
  { browser, tutti }: Pick<TestConsole, "browser" | "tutti">,
  path: string,
  options: BrowserContextOptions,
): Promise<ConsolePage> {
  const context = await browser.newContext({ viewport: VIEWPORT, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  // Whoever has seen the tour is not shown it again; the tour's own test takes it from the palette.
  await context.addInitScript('localStorage.setItem("tutti.toured", "yes")');
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error.stack)));
  page.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy|Uncaught|Minified React error/.test(message.text()))
      problems.push(message.text());
  });
  const { code } = (await (await tutti.fetch("/v1/sessions/invitations", {})).json()) as { readonly code: string };
  await page.goto(`${tutti.url}/admin${path}#code=${code}`);
  await page.getByRole("navigation", { name: "Pages" }).waitFor({ state: "attached" });
  return Object.assign(page, { problems });
}

/** Goes to an address within the console, and waits until nothing of it is loading any more. */
export async function visit(page: Page, path: string): Promise<void> {
  const { origin } = new URL(page.url());
  await page.goto(`${origin}/admin${path}`);
  await page.getByRole("heading", { level: 1 }).first().waitFor();
  await page.waitForLoadState("networkidle");
  await until(page, 'document.querySelector("[aria-busy=true], .skeleton") === null && document.fonts.status === "loaded"');
}

/** Presses keys that mean something together ("g r") as fast as a person does, however busy the page is: none waits for the one before. */
export async function pressKeys(page: Page, keys: string): Promise<void> {
  await Promise.all(keys.split(" ").map((key) => page.keyboard.press(key)));
}

/** Waits within the page for an expression to be true; one that throws is not yet. The page's own security policy forbids what Playwright does for that. */
export async function until(page: Page, expression: string): Promise<void> {
  await page.evaluate(`new Promise((resolve, reject) => {
    const end = Date.now() + ${PATIENCE_MS};
    const is = () => { try { return ${expression}; } catch { return false; } };
    const look = () => {
      if (is()) resolve();
      else if (Date.now() > end) reject(new Error(${JSON.stringify(`it did not come to be: ${expression}`)}));
      else setTimeout(look, 20);
    };
    look();
  })`);
}

const axeSource = readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Whether all that fades or moves has come to its end; what goes on for ever is let be. */
const SETTLED = `document.getAnimations()
  .every((animation) => animation.playState !== "running" || animation.effect?.getComputedTiming().endTime === Infinity)`;

/** What axe-core finds wrong by the rules of WCAG 2.2 A and AA; empty when nothing is. Colours halfway to others are nobody's to read. */
export async function violations(page: Page): Promise<readonly string[]> {
  await until(page, SETTLED);
  await page.evaluate(await axeSource);
  const found = await page.evaluate<readonly Violation[]>(
    `axe.run(document, { runOnly: ${JSON.stringify(RULES)} }).then(({ violations }) => violations)`,
  );
  return found.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${String(target)}: ${failureSummary ?? ""}`));
}

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** What is used of what axe-core tells. */
interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly target: unknown; readonly failureSummary?: string }[];
}
