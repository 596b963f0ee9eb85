import { createHmac, randomBytes } from "node:crypto";
import { AppError, type Json, type Store, type Workflow } from "@tutti/core";
import { requirePublicHost } from "../../../net/index.ts";
import { receiverRule, WebhookSender } from "./send.ts";
import { webhookWorkflow, type Receiver, type ReceiverRef } from "./webhook-workflow.ts";

const KEY_SETTING = "webhooks.signing-key";
/** Standard Webhooks: 24 to 64 bytes. */
const KEY_BYTES = 32;

/** An endpoint that the configuration names for webhooks that go out. */
export interface OutgoingEndpoint extends Receiver {
  readonly name: string;
}

/** Webhooks that go out: whom they may go to, what signs them, and the workflow that sends them. */
export class OutgoingWebhooks implements AsyncDisposable {
  readonly workflow: Workflow;
  readonly #store: Store;
  readonly #endpoints: ReadonlyMap<string, OutgoingEndpoint>;
  readonly #sender = new WebhookSender();

  constructor(store: Store, endpoints: readonly OutgoingEndpoint[], options: { readonly delaysMs?: readonly number[] } = {}) {
    this.#store = store;
    this.#endpoints = new Map(endpoints.map((endpoint) => [endpoint.name, endpoint]));
    const parts = { sender: this.#sender, receiver: (ref: ReceiverRef) => this.#receiver(ref), ...options };
    // Its input is parsed by its own schema before it runs, as any workflow's is.
    this.workflow = webhookWorkflow(parts) as unknown as Workflow;
  }

  /** Throws unless there is such an endpoint, or the URL is one that may be on the public internet. */
  require(ref: ReceiverRef): void {
    if ("endpoint" in ref) this.#endpoint(ref.endpoint);
    else requirePublicHost(new URL(ref.url), receiverRule);
  }

  /**
   * What signs webhooks to a URL that no endpoint is configured for: made from the URL and a key of this installation, so that every receiver
   * has a secret of its own, nobody has to choose one, and none but the key is kept.
   */
  async secretOf(url: string): Promise<string> {
    const secret = createHmac("sha256", await this.#key())
      .update(new URL(url).href)
      .digest("base64");
    return `whsec_${secret}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender[Symbol.asyncDispose]();
  }

  async #receiver(ref: ReceiverRef): Promise<Receiver> {
    if ("endpoint" in ref) return this.#endpoint(ref.endpoint);
    return { url: ref.url, secrets: [await this.secretOf(ref.url)], privateAllow: false };
  }

  #endpoint(name: string): Receiver {
    const endpoint = this.#endpoints.get(name);
    if (endpoint !== undefined) return endpoint;
    throw new AppError("not_found", `wanted an endpoint with a url in \`webhooks\` of the configuration, got "${name}", which is none`);
  }

  async #key(): Promise<string> {
    const kept: Json | undefined = await this.#store.getSetting(KEY_SETTING);
    if (typeof kept === "string") return kept;
    await this.#store.setSetting(KEY_SETTING, randomBytes(KEY_BYTES).toString("base64"));
    // Read again, because another node may have made one at the same moment.
    return this.#key();
  }
}
