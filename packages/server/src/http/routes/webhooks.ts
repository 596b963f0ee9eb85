import { isIP } from "node:net";
import { AppError, type Principal } from "@tutti/core";
import { Hono } from "hono";
import { z } from "zod";
import { receiveWebhook, type Events, type IncomingEndpoint } from "../../engine/index.ts";
import type { App } from "../../host/index.ts";
import { parseJson, readBytes, readJson } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { PublishedEvent, WebhookEndpoint, WebhookSecret } from "../shapes/events.ts";
import { json } from "../shapes/values.ts";

/** Senders' bodies are small; Stripe's and GitHub's largest are far below this, whatever other requests may be. */
const BODY_BYTES_MAX = 1_048_576;
const Secret = z.object({ url: z.url({ protocol: /^https$/ }).max(2048) });

/** Webhooks that come in, and how those that go out are signed. */
export function webhookRoutes(app: App, events: Events): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  const incoming = new Map(
    app.config.webhooks.flatMap((endpoint) => (endpoint.url === undefined ? [[endpoint.name, incomingOf(endpoint)]] : [])),
  );
  routes.post(
    "/webhooks/:name",
    operation({
      tag: "Events",
      summary: "A webhook from outside; its signature is its credential",
      isOpen: true,
      body: json,
      response: PublishedEvent,
      status: 202,
      others: { 200: z.object({ challenge: z.string() }) },
    }),
    async (ctx) => {
      const endpoint = incoming.get(ctx.req.param("name"));
      // Nobody who cannot sign is told which endpoints there are.
      if (endpoint === undefined)
        throw new AppError("unauthorized", "wanted a webhook for an endpoint of this server, signed with its secret, got another");
      if (endpoint.signature === "none") requireLoopback(ctx.env.incoming.socket.remoteAddress ?? "");
      const body = await readBytes(ctx.env.incoming, Math.min(BODY_BYTES_MAX, app.config.requestBytesMax));
      const received = receiveWebhook(
        endpoint,
        { headers: ctx.env.incoming.headers, body },
        { nowMs: Date.now(), parseJson: (bytes: Buffer) => parseJson(bytes, app.config.requestDepthMax) },
      );
      if (received.type === "challenge") return ctx.json({ challenge: received.challenge });
      return ctx.json(await events.publish(received.event, senderOf(endpoint)), 202);
    },
  );
  routes.get(
    "/v1/webhooks",
    operation({
      tag: "Events",
      summary: "The configured endpoints, without their secrets",
      response: z.object({ endpoints: z.array(WebhookEndpoint) }),
    }),
    (ctx) =>
      ctx.json({
        endpoints: app.config.webhooks.map(({ secrets, ...endpoint }) => ({
          ...endpoint,
          secrets: secrets.length,
          direction: endpoint.url === undefined ? "in" : "out",
          ...(endpoint.url === undefined && { path: `/webhooks/${endpoint.name}` }),
        })),
      }),
  );
  routes.post(
    "/v1/webhooks/secret",
    operation({
      tag: "Events",
      summary: "What signs webhooks to a URL that no endpoint is configured for",
      response: WebhookSecret,
      body: Secret,
    }),
    async (ctx) => {
      const { url } = await readJson(ctx, Secret, app.config);
      const step = { workflow: "tutti.admin", action: "admin", kind: "step", name: "webhook.secret", input: { url } } as const;
      const recorded = app.engine.record(step, ctx.get("principal"));
      const secret = await events.webhooks.secretOf(url);
      await recorded.complete({ url });
      return ctx.json({ url, secret });
    },
  );
  return routes;
}

function incomingOf(endpoint: App["config"]["webhooks"][number]): IncomingEndpoint {
  const { name, signature = "none", secrets, type, toleranceSeconds, isTrusted = false } = endpoint;
  return { name, signature, secrets, toleranceSeconds, isTrusted, ...(type !== undefined && { type }) };
}

/** Whoever holds an endpoint's secret may publish through it, and nothing else. */
function senderOf({ name }: IncomingEndpoint): Principal {
  return { id: `webhook:${name}`, tenant: "default", roles: ["webhook"] };
}

/** The configuration refuses such endpoints where other machines can connect; a proxy on this machine is not seen through here. */
function requireLoopback(address: string): void {
  const plain = address.replace(/^::ffff:/, "");
  if (plain === "::1" || (isIP(plain) === 4 && plain.startsWith("127."))) return;
  throw new AppError("denied", "wanted an unsigned webhook from this machine, got one from another; give the endpoint a signature");
}
