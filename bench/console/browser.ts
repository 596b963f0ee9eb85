import { readFile } from "node:fs/promises";
import { chromium, type BrowserContext, type Page } from "playwright-core";
import type { Tutti } from "./tutti.ts";

const CHROMIUM = {
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
  ],
};
const VIEWPORT = { width: 1440, height: 900 };
const PATIENCE_MS = 60_000;

/** A browser of which one page is measured at a time. */
export interface MeasuredBrowser extends AsyncDisposable {
  readonly version: string;
  /** A new profile with nothing in its caches, signed in. */
  profile(tutti: Tutti): Promise<BrowserContext>;
  /** What its renderer processes have used so far. */
  rendererCpuS(): Promise<number>;
  /** What they hold of the machine's memory. */
  rendererRssMib(): Promise<number>;
}

/** Starts one. */
export async function openBrowser(): Promise<MeasuredBrowser> {
  const browser = await chromium.launch(CHROMIUM);
  const session = await browser.newBrowserCDPSession();
  const renderers = async () => (await session.send("SystemInfo.getProcessInfo")).processInfo.filter(({ type }) => type === "renderer");
  return {
    version: browser.version(),
    async profile({ url, token }) {
      const context = await browser.newContext({ viewport: VIEWPORT });
      context.setDefaultTimeout(PATIENCE_MS);
      await context.addInitScript('localStorage.setItem("tutti.toured", "yes")');
      const signedIn = await context.request.post(`${url}/v1/session`, { data: { token } });
      if (!signedIn.ok()) throw new Error(`wanted a session, got status ${signedIn.status()}`);
      return context;
    },
    rendererCpuS: async () => (await renderers()).reduce((sum, { cpuTime }) => sum + cpuTime, 0),
    async rendererRssMib() {
      const sizes = await Promise.all((await renderers()).map(({ id }) => rssMibOf(id)));
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

async function rssMibOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}

/** How a page draws. */
export interface Frames {
  readonly fps: number;
  readonly longestMs: number;
}

/** Counts a page's frames for so long; `eachFrame` is a script that runs in each of them. */
export function framesOf(page: Page, ms: number, eachFrame = ""): Promise<Frames> {
  return page.evaluate<Frames>(`new Promise((resolve) => {
    const startMs = performance.now();
    let [frames, longestMs, lastMs] = [0, 0, startMs];
    const count = () => {
      const nowMs = performance.now();
      frames += 1;
      longestMs = Math.max(longestMs, nowMs - lastMs);
      lastMs = nowMs;
      ${eachFrame};
      if (nowMs - startMs < ${ms}) requestAnimationFrame(count);
      else resolve({ fps: (frames * 1000) / (nowMs - startMs), longestMs });
    };
    requestAnimationFrame(count);
  })`);
}
