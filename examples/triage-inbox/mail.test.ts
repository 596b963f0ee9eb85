import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { findAmounts } from "./amounts.ts";
import { classify } from "./classify.ts";
import { parseMail } from "./mail.ts";

const mails = new URL("mails/", import.meta.url);

async function read(name: string): Promise<ReturnType<typeof parseMail>> {
  return parseMail(await readFile(new URL(name, mails)));
}

test("headers are read with their encodings, and folded ones as one line", async () => {
  const german = await read("07-rechnung.eml");
  assert.deepEqual(
    [german.from, german.subject, german.sentAt],
    ["Jürgen Weiß <weiss@buero-sued.example>", "Rückfrage zu Rechnung RE-5530", "2026-11-02T13:03:37.000Z"],
  );
  assert.match(german.body, /können wir nicht nachvollziehen:\n\n {2}2 x Schreibtischleuchte "Höhe" +119,00 €/);
  const french = await read("11-nouvelle-adresse.eml");
  assert.deepEqual(
    [french.from, french.subject],
    ["Camille Lefèvre <camille@courrier.example>", "Commande LL-20455 : changement d'adresse"],
  );
  assert.equal((await read("05-first-page-of-search.eml")).subject, "🚀 Your website on the first page - guaranteed");
});

test("of a mail in parts the plain text is read", async () => {
  assert.match((await read("11-nouvelle-adresse.eml")).body, /^Bonjour,\n\nma commande LL-20455 n'est pas encore partie, j'espère\./);
});

test("a mail without a text, without headers or without anything is still a mail", async () => {
  assert.equal((await read("08-no-text.eml")).body, "");
  assert.deepEqual(parseMail(Buffer.from("\n\nonly text")), {
    from: "unknown sender",
    subject: "(no subject)",
    sentAt: "",
    body: "only text",
  });
  assert.deepEqual(parseMail(Buffer.from("")), { from: "unknown sender", subject: "(no subject)", sentAt: "", body: "" });
});

test("no bytes make the reader, the rules or the calculator's input fail", () => {
  const piece = fc.constantFrom(
    "Subject: ",
    "=?utf-8?B?",
    "?=",
    "=?x?Q?",
    "Content-Type: multipart/mixed; boundary=a\n\n",
    "--a\n",
    "--a--",
    "Content-Transfer-Encoding: base64\n",
    "charset=nonsense\n",
    "\n\n",
    "\r\n",
    "=C3",
    "3 x lamp 4.00",
    "Total 1.234,56 €",
    "refund",
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(piece, { maxLength: 30 }).map((pieces) => Buffer.from(pieces.join(""))),
  );
  fc.assert(
    fc.property(bytes, (raw) => {
      const mail = parseMail(raw);
      assert.match(findAmounts(mail.body)?.expression ?? "1", /^[\d.*+\-() ]+$/);
      assert.ok(classify(mail).reasons.length > 0);
    }),
  );
});

test("line items are found in the ways people write them, and sentences are not", () => {
  const body = [
    "2 x Lamp   89.90 EUR",
    "3 × Bulb 7,45 €",
    "Shipping  4.90",
    "Discount -10.00",
    "USD 1,234.56",
    "I paid 20.00 in total. Then 30.00",
    "A total of seven lamps",
    "Total:  1,500.00",
  ].join("\n");
  assert.deepEqual(findAmounts(body), { expression: "2 * 89.90 + 3 * 7.45 + 4.90 + (-10.00) + 1234.56", items: 5, stated: "1500.00" });
  assert.equal(findAmounts("Hello,\nwhere is my lamp?"), undefined);
});

test("every mail of the example is about what a person would say", async () => {
  const found: Record<string, string> = {};
  for (const name of (await readdir(mails)).toSorted()) {
    const { kind, priority } = classify(await read(name));
    found[name] = `${priority} ${kind}`;
  }
  assert.deepEqual(found, {
    "01-broken-lamp.eml": "3 refund",
    "02-where-is-it.eml": "2 delivery",
    "03-invoice-does-not-add-up.eml": "3 invoice",
    "04-third-time.eml": "1 safety",
    "05-first-page-of-search.eml": "5 spam",
    "06-thank-you.eml": "4 thanks",
    "07-rechnung.eml": "2 invoice",
    "08-no-text.eml": "4 empty",
    "09-a-long-story.eml": "2 refund",
    "10-forty-lamps.txt": "3 quote",
    "11-nouvelle-adresse.eml": "3 address",
    "12-account-suspended.eml": "5 spam",
  });
});
