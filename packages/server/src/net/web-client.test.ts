import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { brotliCompressSync, gzipSync, zstdCompressSync } from "node:zlib";
import { AppError } from "@tutti/core";
import fc from "fast-check";
import { startStandIn } from "../testing/stand-in.ts";
import { WebClient, type Resolve, type WebRequest } from "./index.ts";

const never = new AbortController().signal;
const codeOf = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;
const bounds = { method: "GET", bytesMax: 10_000, timeoutMs: 5_000, redirectsMax: 3 };
const asked = (url: string, more: Partial<WebRequest> = {}): WebRequest => ({ ...bounds, url: new URL(url), ...more });
const only = (...hosts: readonly string[]) => ({ isPrivateAllowed: (host: string) => hosts.includes(host), advice: "allow it" });

/** A name server whose answers are listed, one a question; the last one stays. */
function nameServer(...answers: readonly string[]): { readonly resolve: Resolve; readonly questions: string[] } {
  const questions: string[] = [];
  return {
    questions,
    resolve: (hostname, _, callback) => {
      questions.push(hostname);
      const address = answers[Math.min(questions.length, answers.length) - 1] ?? "";
      callback(null, [{ address, family: address.includes(":") ? 6 : 4 }]);
    },
  };
}

test("no way of writing a private address reaches it", async () => {
  let requests = 0;
  await using inside = await startStandIn((_, response) => {
    requests += 1;
    response.end("secret");
  });
  const { port } = new URL(inside.origin);
  await using client = new WebClient(only());
  const hosts =
    "127.0.0.1 127.1 2130706433 0x7f000001 0177.0.0.1 0x7f.1 localhost LOCALHOST [::1] [::ffff:127.0.0.1] [::ffff:7f00:1] " +
    "[0:0:0:0:0:ffff:7f00:1] [64:ff9b::7f00:1] [2002:7f00:1::] 0 0.0.0.0 127.0.0.1. ①②⑦.⓪.⓪.①";
  for (const host of hosts.split(" ")) await assert.rejects(client.send(asked(`http://${host}:${port}/`), never), codeOf("denied"), host);
  await assert.rejects(client.send(asked(`http://example.com@127.0.0.1:${port}/`), never), codeOf("invalid_input"));
  await assert.rejects(client.send(asked(`http://a:b@[::1]:${port}/`), never), codeOf("invalid_input"));
  await assert.rejects(client.send(asked("file:///etc/passwd"), never), codeOf("denied"));
  assert.equal(requests, 0);
});

test("any private IPv4 address in any notation is refused before a connection", async () => {
  await using client = new WebClient(only());
  const privateV4 = fc.oneof(
    fc.tuple(fc.constant(10), fc.nat(255), fc.nat(255), fc.nat(255)),
    fc.tuple(fc.constant(127), fc.nat(255), fc.nat(255), fc.nat(255)),
    fc.tuple(fc.constant(169), fc.constant(254), fc.nat(255), fc.nat(255)),
    fc.tuple(fc.constant(192), fc.constant(168), fc.nat(255), fc.nat(255)),
  );
  const written = fc
    .tuple(privateV4, fc.constantFrom("dotted", "decimal", "hex", "octal", "mapped", "short"))
    .map(([[a, b, c, d], form]) => {
      const whole = ((a * 256 + b) * 256 + c) * 256 + d;
      if (form === "decimal") return String(whole);
      if (form === "hex") return `0x${whole.toString(16)}`;
      if (form === "octal") return [a, b, c, d].map((part) => `0${part.toString(8)}`).join(".");
      if (form === "mapped") return `[::ffff:${a}.${b}.${c}.${d}]`;
      return form === "short" ? `${a}.${(b * 256 + c) * 256 + d}` : `${a}.${b}.${c}.${d}`;
    });
  await fc.assert(
    fc.asyncProperty(written, async (host) => {
      await assert.rejects(client.send(asked(`http://${host}/`), never), codeOf("denied"));
    }),
  );
});

test("the address that is looked at is the one that is connected to: a name server is asked once, so it cannot give two answers", async () => {
  await using inside = await startStandIn((_, response) => void response.end("here"));
  const { port } = new URL(inside.origin);
  const rebinding = nameServer("127.0.0.1", "93.184.216.34");
  await using client = new WebClient(only("named.example"), rebinding.resolve);
  await assert.rejects(client.send(asked(`http://rebind.example:${port}/`), never), codeOf("denied"));
  assert.deepEqual(rebinding.questions, ["rebind.example"]);
  const steady = nameServer("127.0.0.1", "192.0.2.1");
  await using other = new WebClient(only("named.example"), steady.resolve);
  assert.equal((await other.send(asked(`http://named.example:${port}/`), never)).body.toString(), "here");
  assert.deepEqual(steady.questions, ["named.example"]);
});

test("a name with one private address among public ones is refused", async () => {
  const resolve: Resolve = (_, __, callback) => {
    callback(null, [
      { address: "93.184.216.34", family: 4 },
      { address: "fd00::1", family: 6 },
    ]);
  };
  await using client = new WebClient(only(), resolve);
  await assert.rejects(client.send(asked("http://both.example/"), never), codeOf("denied"));
});

test("a redirect is looked at like any other URL, and followed only so often", async () => {
  await using site = await startStandIn((request, response) => {
    const to = {
      "/metadata": "http://169.254.169.254/latest/meta-data/",
      "/decimal": "http://2852039166/",
      "/file": "file:///etc/passwd",
      "/gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
      "/userinfo": "http://public.example@127.0.0.1/",
      "/loop": "/loop",
      "/once": "/end",
    }[request.url ?? ""];
    response.writeHead(to === undefined ? 200 : 302, to === undefined ? {} : { location: to }).end("here");
  });
  await using client = new WebClient(only("site.example"), nameServer("127.0.0.1").resolve);
  const at = site.origin.replace("127.0.0.1", "site.example");
  for (const [path, code] of [
    ["/metadata", "denied"],
    ["/decimal", "denied"],
    ["/file", "denied"],
    ["/gopher", "denied"],
    ["/userinfo", "invalid_input"],
    ["/loop", "upstream"],
  ] as const)
    await assert.rejects(client.send(asked(`${at}${path}`), never), codeOf(code), path);
  const answer = await client.send(asked(`${at}/once`), never);
  assert.deepEqual([answer.url.pathname, answer.redirects, answer.body.toString()], ["/end", 1, "here"]);
  const left = await client.send(asked(`${at}/once`, { redirectsMax: 0 }), never);
  assert.deepEqual([left.status, left.headers["location"]], [302, "/end"]);
  const posted = await client.send(asked(`${at}/once`, { method: "POST", body: "x" }), never);
  assert.equal(posted.status, 302);
});

test("credentials do not follow a redirect to another origin", async () => {
  const seen: (string | undefined)[] = [];
  await using other = await startStandIn((request, response) => {
    seen.push(request.headers.authorization);
    response.end();
  });
  await using first = await startStandIn((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(307, { location: other.origin }).end();
  });
  await using client = new WebClient(only("127.0.0.1"));
  await client.send(asked(first.origin, { credentials: { authorization: "Bearer x" } }), never);
  assert.deepEqual(seen, ["Bearer x", undefined]);
});

test("an answer that is too large is refused, also one that is small until it is unpacked", async () => {
  const large = Buffer.alloc(50_000_000);
  const packed = { gzip: gzipSync(large), br: brotliCompressSync(large), zstd: zstdCompressSync(large) };
  await using site = await startStandIn((request, response) => {
    const encoding = request.url?.slice(1) as keyof typeof packed;
    const body = packed[encoding];
    if (body === undefined)
      response.writeHead(200, request.url === "/odd" ? { "content-encoding": "odd" } : {}).end(large.subarray(0, 20_000));
    else response.writeHead(200, { "content-encoding": encoding }).end(body);
  });
  await using client = new WebClient(only("127.0.0.1"));
  for (const path of ["/plain", "/gzip", "/br", "/zstd"])
    await assert.rejects(client.send(asked(site.origin + path), never), codeOf("too_large"), path);
  await assert.rejects(client.send(asked(`${site.origin}/odd`), never), codeOf("unsupported"));
});

test("a packed answer is unpacked, and one that is broken is upstream's fault", async () => {
  await using site = await startStandIn((request, response) => {
    const body = request.url === "/broken" ? Buffer.from("no gzip") : gzipSync("hello");
    response.writeHead(200, { "content-encoding": "gzip" }).end(body);
  });
  await using client = new WebClient(only("127.0.0.1"));
  assert.equal((await client.send(asked(site.origin), never)).body.toString(), "hello");
  await assert.rejects(client.send(asked(`${site.origin}/broken`), never), codeOf("upstream"));
});

test("a site that drips or never answers is left in time, and a caller who leaves is let go at once", async () => {
  await using site = await startStandIn((request, response) => {
    if (request.url === "/drip") response.write("a");
  });
  await using client = new WebClient(only("127.0.0.1"));
  await assert.rejects(client.send(asked(`${site.origin}/drip`, { timeoutMs: 50 }), never), codeOf("timeout"));
  await assert.rejects(client.send(asked(`${site.origin}/silent`, { timeoutMs: 50 }), never), codeOf("timeout"));
  const leaving = new AbortController();
  const sent = client.send(asked(`${site.origin}/silent`), leaving.signal);
  void once(site.server, "request").then(() => leaving.abort(new AppError("cancelled", "left")));
  await assert.rejects(sent, codeOf("cancelled"));
});

test("what refuses a URL is asked for every hop", async () => {
  await using site = await startStandIn((request, response) => {
    response.writeHead(request.url === "/a" ? 302 : 200, request.url === "/a" ? { location: "/b" } : {}).end();
  });
  await using client = new WebClient(only("127.0.0.1"));
  const hops: string[] = [];
  await client.send(asked(`${site.origin}/a`, { admit: (url) => void hops.push(url.pathname) }), never);
  assert.deepEqual(hops, ["/a", "/b"]);
});
