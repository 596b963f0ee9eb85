// Webhooks: one comes in, signed by its sender, starts a workflow, and another goes out, signed by Tutti. Run it with: npm run example:webhooks
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient } from "@tutti/client";
import { defineWorkflow } from "tutti";
import { startTestApp } from "tutti/testing";
import { z } from "zod";

const GITHUB_SECRET = "It's a Secret to Everybody";
const TEAM_SECRET = `whsec_${Buffer.from("a secret of at least 24 bytes").toString("base64")}`;

// 1. Somebody else's server. It believes nothing that is not signed with the secret it shares with us (standardwebhooks.com).
const received = Promise.withResolvers<string>();
const receiver = createServer(async (request, response) => {
  const body = (await request.toArray()).join("");
  const { "webhook-id": id, "webhook-timestamp": time, "webhook-signature": signatures } = request.headers;
  const key = Buffer.from(TEAM_SECRET.slice("whsec_".length), "base64");
  const wanted = `v1,${createHmac("sha256", key)
    .update(`${String(id)}.${String(time)}.${body}`)
    .digest("base64")}`;
  const isGenuine = String(signatures).split(" ").includes(wanted);
  response.writeHead(isGenuine ? 204 : 401).end();
  if (isGenuine) received.resolve(body);
}).listen(0, "127.0.0.1");
await once(receiver, "listening");

// 2. The endpoints, as `webhooks` in tutti.yaml has them, where secretEnvs names the variables that hold the secrets.
const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
const webhooks = [
  { name: "github", signature: "github", secrets: [GITHUB_SECRET], toleranceSeconds: 300, privateAllow: false },
  { name: "team", url, secrets: [TEAM_SECRET], toleranceSeconds: 300, privateAllow: true },
] as const;

// 3. What happens in between: a workflow that a push starts, and that says what it found.
const build = defineWorkflow({
  name: "build",
  version: "1",
  input: z.object({ data: z.object({ ref: z.string(), commits: z.array(z.object({ message: z.string() })) }) }),
  async run(ctx, { data: { ref, commits } }) {
    const result = await ctx.step("build", () => `${commits.length} commits on ${ref} build`);
    await ctx.emit({ name: "build.done", data: { result } });
    return result;
  },
});
await using tutti = await startTestApp({ webhooks, inlinePlugins: [{ name: "ci", workflows: [build] }] });
const client = createClient({ baseUrl: tutti.url, token: tutti.token });
await client.subscribe({
  name: "builds",
  filter: { exact: { type: "webhook.github.push" } },
  target: { type: "workflow", workflow: "build" },
});
await client.subscribe({
  name: "team",
  filter: { exact: { type: "build.done" } },
  target: { type: "webhook", to: { endpoint: "team" } },
});

// 4. GitHub calls, needs no token, and is believed only as far as it can sign.
const push = JSON.stringify({ ref: "main", commits: [{ message: "Repair the lamp" }, { message: "Test the lamp" }] });
async function deliver(id: string, signed: string): Promise<string> {
  const signature = `sha256=${createHmac("sha256", GITHUB_SECRET).update(signed).digest("hex")}`;
  const headers = {
    "content-type": "application/json",
    "x-github-event": "push",
    "x-github-delivery": id,
    "x-hub-signature-256": signature,
  };
  const response = await fetch(`${tutti.url}/webhooks/github`, { method: "POST", headers, body: push });
  const { isDuplicate } = (await response.json()) as { readonly isDuplicate?: boolean };
  return `${response.status}${isDuplicate === true ? ", known already" : ""}`;
}
console.log(`a push:                ${await deliver("d-1", push)}`);
console.log(`the same, sent again:  ${await deliver("d-1", push)}`);
console.log(`one with another body: ${await deliver("d-2", `${push} `)}`);

// 5. The team's server has it, once it has checked the signature.
const event = z.object({ type: z.string(), data: z.object({ result: z.string() }) }).parse(JSON.parse(await received.promise));
console.log(`the team hears:        ${event.type}, ${event.data.result}`);
receiver.closeAllConnections();
receiver.close();
