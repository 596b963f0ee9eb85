import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Locator, Route } from "playwright-core";
import { openConsole, violations, visit, type ConsolePage, type TestConsole } from "./console.ts";
import { misplaced } from "./geometry.ts";

/** A Tutti that has just been started: nothing has run, nothing is set. */
let tutti: TestConsole;
before(async () => {
  tutti = await openConsole();
});
after(async () => {
  await tutti[Symbol.asyncDispose]();
});

/** Pages with something of their own to load. */
const PAGES = [
  "/",
  "/approvals",
  "/approvals?tab=grants",
  "/approvals?tab=given",
  "/runs",
  "/schedules",
  "/queues",
  "/dead-letters",
  "/events",
  "/workflows",
  "/workflows/holly",
  "/agents",
  "/agents/holly",
  "/agents/holly?tab=about",
  "/compare",
  "/data",
  "/data?tab=datasets",
  "/commerce",
  ...["access", "models", "policy", "plugins", "mcp", "sandbox", "budgets", "health", "configuration"].map(
    (section) => `/settings/${section}`,
  ),
];
/** What these show comes by the live feed or from outside of `/v1`, or is written by hand. */
const FED: readonly string[] = ["/approvals", "/events", "/compare", "/settings/sandbox"];
/** The others show what they asked for: they have to say that they wait, and what went wrong. */
const NEEDY = PAGES.filter((path) => !FED.includes(path));
/** Also looked at without anything to load. */
const MORE = ["/data?tab=search", "/data?tab=values", "/settings/appearance"];

const problemsAt = async (page: ConsolePage, path: string): Promise<readonly string[]> =>
  [...(await violations(page)), ...(await misplaced(page))].map((one) => `${path}: ${one}`);

test("with nothing in it yet every page says what to do next, in the dark, in the light and on a narrow screen", async () => {
  const page = await tutti.open("/", { reducedMotion: "reduce" });
  const wrong: string[] = [];
  for (const path of [...PAGES, ...MORE]) {
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 1440, height: 900 });
    await visit(page, path);
    wrong.push(...(await problemsAt(page, path)));
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 320, height: 800 });
    wrong.push(...(await problemsAt(page, `${path} at 320 px`)));
  }
  assert.deepEqual(wrong, []);
  assert.deepEqual(page.problems, []);
});

/** Parts of a page that may each have to be asked for again. */
const TRIES_MAX = 12;
/** A page that says nothing by then says nothing. */
const SILENCE_MS = 30_000;

async function told(words: Locator, state: "attached" | "visible" | "detached"): Promise<boolean> {
  return words.waitFor({ state, timeout: SILENCE_MS }).then(
    () => true,
    () => false,
  );
}

/** Everything the pages ask the server for, but who is signed in. */
const ASKED = /\/v1\/(?!session(?:$|\?))/;

test("while the server has not answered every page says that it loads", async () => {
  const page = await tutti.open("/settings/appearance");
  const held: Route[] = [];
  await page.route(ASKED, (route) => void held.push(route));
  const wrong: string[] = [];
  for (const path of NEEDY) {
    await page.goto(`${tutti.tutti.url}/admin${path}`);
    const isTold = await told(
      page
        .locator("main")
        .getByText(/^(?:Loading|Reading …)$/)
        .first(),
      "attached",
    );
    if (!isTold) wrong.push(`${path} does not say that it loads`);
    wrong.push(...(await problemsAt(page, path)));
  }
  await page.unrouteAll({ behavior: "ignoreErrors" });
  for (const route of held) await route.abort().catch(() => undefined);
  assert.deepEqual(wrong, []);
  assert.deepEqual(page.problems, []);
});

// Each way of failing is read by the same client: all pages see one of them, some of them the others.
for (const [how, every, answer] of [
  [
    "fails",
    1,
    (route: Route) =>
      route.fulfill({ status: 500, json: { error: { code: "internal", message: "the disk made a strange noise", retryable: false } } }),
  ],
  ["cannot be reached", 6, (route: Route) => route.abort("connectionrefused")],
  [
    "answers with what is no answer",
    7,
    (route: Route) => route.fulfill({ status: 502, contentType: "text/html", body: "<h1>Bad gateway</h1>" }),
  ],
] as const) {
  test(`when the server ${how}, pages say so by a code, offer to try again, and are there once it is well`, async () => {
    const page = await tutti.open("/settings/appearance");
    const wrong: string[] = [];
    for (const path of NEEDY.filter((_, index) => index % every === 0)) {
      await page.route(ASKED, answer);
      await page.goto(`${tutti.tutti.url}/admin${path}`);
      const alert = page.locator("main").getByRole("alert");
      if (!(await told(alert.first(), "visible"))) wrong.push(`${path} does not say what went wrong`);
      wrong.push(...(await problemsAt(page, path)));
      await page.unrouteAll({ behavior: "ignoreErrors" });
      const again = page.locator("main").getByRole("button", { name: "Try again" });
      for (let tries = 0; tries < TRIES_MAX && (await again.count()) > 0; tries += 1) {
        // One answer may mend several places: a button that is gone meanwhile was not needed.
        const button = await again
          .first()
          .elementHandle({ timeout: 2000 })
          .catch(() => null);
        await button?.click({ timeout: 2000 }).catch(() => undefined);
        await button?.waitForElementState("hidden", { timeout: SILENCE_MS }).catch(() => undefined);
      }
      if (!(await told(alert.first(), "detached"))) wrong.push(`${path} is not there again: ${(await alert.allInnerTexts()).join("; ")}`);
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(page.problems, []);
  });
}

test("what is not there, or no more, is told as that, with a way on", async () => {
  const page = await tutti.open("/");
  const gone = "/runs/00000000-0000-7000-8000-000000000000";
  for (const [path, way] of [
    [gone, "See all runs"],
    ["/runs/no such", "See all runs"],
    ["/workflows/No%20such", "See all workflows"],
    ["/agents/no-such", "See all agents"],
  ] as const) {
    await visit(page, path);
    await page.locator("main").getByRole("link", { name: way }).waitFor();
    // Whoever looks at a page has no use for a request to the API.
    assert.doesNotMatch(await page.locator("main").innerText(), /GET |\/v1/);
  }
  for (const path of [gone, "/workflows/no-such", "/agents/no-such", "/panels/no/such", "/settings/no-such", "/no-such"]) {
    await visit(page, path);
    await page
      .locator("main")
      .getByText(/no |none|not_found|nothing/i)
      .first()
      .waitFor();
    assert.deepEqual(await problemsAt(page, path), []);
  }
  assert.deepEqual(page.problems, []);
});
