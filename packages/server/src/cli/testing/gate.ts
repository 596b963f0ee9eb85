import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A server that steps of a test's workflow call, so that the test sees each time one is done, and decides when it goes on. */
export interface Gate extends AsyncDisposable {
  readonly url: string;
  /** Every arrival in order: what the world outside has seen of the steps. */
  readonly arrivals: readonly string[];
  /** From now on lets so many pass; those who come after them are kept waiting. */
  pass(count: number): void;
  /** Resolves once somebody is kept waiting. */
  held(): Promise<void>;
}

/** Starts one that lets everybody pass. */
export async function startGate(): Promise<Gate> {
  const arrivals: string[] = [];
  const kept = new Set<ServerResponse>();
  let left = Number.POSITIVE_INFINITY;
  let isHeld = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    arrivals.push(decodeURIComponent(request.url?.slice(1) ?? ""));
    left -= 1;
    if (left >= 0) {
      response.end("go on");
      return;
    }
    kept.add(response.once("close", () => kept.delete(response)));
    isHeld.resolve();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    arrivals,
    pass(count) {
      left = count;
      isHeld = Promise.withResolvers();
      for (const response of [...kept].slice(0, count)) response.end("go on");
    },
    held: () => isHeld.promise,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A plugin's module: a workflow of gated steps, some of them in branches, and others that fail, wait or carry hostile names. */
export const GATED_PLUGIN = `
const anything = { "~standard": { validate: (value) => ({ value }) } };
const visit = (ctx, gate, name) => ctx.step(name, async () => { await fetch(gate + encodeURIComponent(name)); return name; });
const workflow = (name, run, input = anything) => ({ name, version: "1", input, run });
const gated = workflow("gated", async (ctx, { gate }) => {
  const first = await visit(ctx, gate, "first");
  const branches = await ctx.map(["a", "b", "c"], async (branch, letter) => [await visit(branch, gate, letter + "1"), await visit(branch, gate, letter + "2")], { concurrency: 2 });
  return [first, ...branches.flat(), await visit(ctx, gate, "last")];
});
const failing = workflow("failing", async (ctx) => { await ctx.step("break", () => { throw Object.assign(new Error("it \\u001b[31mbroke"), { code: "broken" }); }, { attemptsMax: 1 }); });
const waiting = workflow("waiting", async (ctx) => (await ctx.waitFor("go")) ?? null);
const hostile = workflow("hostile", async (ctx) => { await ctx.step("\\u001b[2J\\u001b]0;pwned\\u0007evil\\u202egnp", () => 1); return { text: "\\u001b[2Jgone \\u009b31m" }; });
export const plugin = { name: "gated", workflows: [gated, failing, waiting, hostile] };
`;
