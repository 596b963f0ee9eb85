import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { AppError } from "@tutti/core";
import fc from "fast-check";
import { signStandard, verifySignature, type SignedRequest, type Verification } from "./signatures.ts";

const nowMs = 1_750_000_000_000;
const seconds = String(nowMs / 1000);
const body = Buffer.from('{"hello":"wörld"}');
const hmac = (key: string | Buffer, text: string, encoding: "hex" | "base64"): string =>
  createHmac("sha256", key).update(text).update(body).digest(encoding);

type Headers = Record<string, string>;
interface Sender {
  readonly scheme: Verification["scheme"];
  readonly secret: string;
  readonly sign: (secret: string, at: string) => Headers;
  readonly isTimed: boolean;
}

/** As each sender's documentation says that it signs. */
const senders: readonly Sender[] = [
  {
    scheme: "standard",
    secret: `whsec_${Buffer.from("a secret of twenty-four bytes").toString("base64")}`,
    sign: (secret, at) => ({
      "webhook-id": "msg_1",
      "webhook-timestamp": at,
      "webhook-signature": `v1a,ignored v1,${hmac(Buffer.from(secret.slice(6), "base64"), `msg_1.${at}.`, "base64")}`,
    }),
    isTimed: true,
  },
  {
    scheme: "github",
    secret: "It's a Secret to Everybody",
    sign: (secret) => ({ "x-hub-signature-256": `sha256=${hmac(secret, "", "hex")}` }),
    isTimed: false,
  },
  {
    scheme: "stripe",
    secret: "whsec_stripe",
    sign: (secret, at) => ({ "stripe-signature": `t=${at},v1=${"0".repeat(64)},v1=${hmac(secret, `${at}.`, "hex")},v0=abc` }),
    isTimed: true,
  },
  { scheme: "shopify", secret: "hush", sign: (secret) => ({ "x-shopify-hmac-sha256": hmac(secret, "", "base64") }), isTimed: false },
  {
    scheme: "slack",
    secret: "8f742231b10e8888abcd99yyyzzz85a5",
    sign: (secret, at) => ({ "x-slack-request-timestamp": at, "x-slack-signature": `v0=${hmac(secret, `v0:${at}:`, "hex")}` }),
    isTimed: true,
  },
];

const verifyBody = (signed: Buffer, headers: SignedRequest["headers"], by: Pick<Verification, "scheme" | "secrets">): void =>
  verifySignature({ headers, body: signed }, { ...by, toleranceMs: 300_000, nowMs });
const verify = (headers: SignedRequest["headers"], scheme: Verification["scheme"], secrets: readonly string[]): void =>
  verifyBody(body, headers, { scheme, secrets });
const isUnauthorized = (error: unknown): boolean => error instanceof AppError && error.code === "unauthorized";

for (const { scheme, secret, sign, isTimed } of senders) {
  test(`a ${scheme} signature is taken, also while secrets are rotated`, () => {
    verify(sign(secret, seconds), scheme, [secret]);
    verify(sign(secret, seconds), scheme, ["the new one", secret]);
  });

  test(`a ${scheme} signature with another secret, of another body or without one is refused`, () => {
    const headers = sign(secret, seconds);
    assert.throws(() => verify(headers, scheme, ["another"]), isUnauthorized);
    assert.throws(() => verify(headers, scheme, []), isUnauthorized);
    assert.throws(() => verify({}, scheme, [secret]), isUnauthorized);
    assert.throws(() => verifyBody(Buffer.from("{}"), headers, { scheme, secrets: [secret] }), isUnauthorized);
    for (const name of Object.keys(headers))
      assert.throws(() => verify({ ...headers, [name]: "" }, scheme, [secret]), isUnauthorized, name);
  });

  test(`one bit of a ${scheme} body changed is one too many`, () => {
    const headers = sign(secret, seconds);
    fc.assert(
      fc.property(fc.nat(body.length * 8 - 1), (bit) => {
        const changed = Buffer.from(body);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        assert.throws(() => verifyBody(changed, headers, { scheme, secrets: [secret] }), isUnauthorized);
      }),
    );
  });

  test(`whatever stands in the headers of a ${scheme} webhook, it is refused and nothing else`, () => {
    const names = Object.keys(sign(secret, seconds));
    const values = fc.oneof(fc.string({ unit: "binary" }), fc.string({ maxLength: 5000 }), fc.array(fc.string()), fc.constant("sha256="));
    fc.assert(
      fc.property(fc.tuple(...names.map(() => values)), (texts) => {
        const headers = Object.fromEntries(names.map((name, index) => [name, texts[index]]));
        assert.throws(() => verify(headers, scheme, [secret]), isUnauthorized);
      }),
    );
  });

  if (isTimed)
    test(`a ${scheme} webhook that is older than the tolerance, or from the future, is refused as a replay`, () => {
      for (const offset of [-299, 299]) verify(sign(secret, String(Number(seconds) + offset)), scheme, [secret]);
      for (const offset of [-301, 301])
        assert.throws(() => verify(sign(secret, String(Number(seconds) + offset)), scheme, [secret]), /within 300 s of now/);
      for (const at of ["", "NaN", "1e9", "-1", `${seconds}.5`])
        assert.throws(() => verify(sign(secret, at), scheme, [secret]), isUnauthorized, at);
    });
}

test("the example of the Standard Webhooks specification is verified, and signed the same", () => {
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const payload = '{"test": 2432232314}';
  const signed = signStandard({ id: "msg_p5jXN8AQM9LWM0D4loKWxJek", atMs: 1_614_265_330_000, body: payload, secrets: [secret] });
  assert.deepEqual(signed, {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  });
  const request = { headers: signed, body: Buffer.from(payload) };
  verifySignature(request, { scheme: "standard", secrets: [secret], toleranceMs: 1000, nowMs: 1_614_265_330_000 });
});

test("the example of GitHub's documentation is verified", () => {
  const headers = { "x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17" };
  verifyBody(Buffer.from("Hello, World!"), headers, { scheme: "github", secrets: ["It's a Secret to Everybody"] });
});

test("what Tutti signs is signed with every secret, so that a receiver may hold the old or the new one", () => {
  const message = { id: "1", atMs: nowMs, body: body.toString("utf8") };
  const headers = signStandard({ ...message, secrets: ["whsec_b2xk", "whsec_bmV3"] });
  verify(headers, "standard", ["whsec_b2xk"]);
  verify(headers, "standard", ["whsec_bmV3"]);
});
