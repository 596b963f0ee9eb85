import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "@tutti/core";
import fc from "fast-check";
import { isPublicAddress, requirePublicHost } from "./address.ts";

const nonePrivate = { isPrivateAllowed: () => false, advice: "allow it" };
const isDenied = (error: unknown): boolean => error instanceof AppError && error.code === "denied";

test("addresses of the public internet are told from all others", () => {
  for (const address of ["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "2606:4700::1111", "2a00::1"])
    assert.ok(isPublicAddress(address), address);
  const others =
    "0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.168.1.1 198.18.0.1 " +
    "203.0.113.1 224.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 64:ff9b::7f00:1 fc00::1 fd12::1 fe80::1 ff02::1 " +
    "2001:db8::1 2002:7f00:1:: 2001:0:1:: 3fff::1 localhost 1.2.3 ";
  for (const address of others.split(" ")) assert.ok(!isPublicAddress(address), address);
});

test("every way of writing a loopback address in a URL is refused", () => {
  for (const host of ["127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "[::1]", "[::ffff:7f00:1]", "0", "169.254.169.254"])
    assert.throws(() => requirePublicHost(new URL(`https://${host}/hook`), nonePrivate), isDenied, host);
  requirePublicHost(new URL("https://example.com/hook"), nonePrivate);
  requirePublicHost(new URL("https://1.1.1.1/hook"), nonePrivate);
});

test("no private IPv4 address passes as an IPv6 one", () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.constantFrom("::ffff:", "::", "64:ff9b::"), (v4, prefix) => {
      assert.ok(!isPublicAddress(`${prefix}${v4}`));
    }),
  );
});
