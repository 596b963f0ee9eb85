import assert from "node:assert/strict";
import { test } from "node:test";
import { browserWords } from "./browser-words.ts";

test("a browser is named in words, and as it names itself when it is not known", () => {
  const webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
  assert.equal(browserWords(`Mozilla/5.0 (X11; Linux x86_64) ${webkit} HeadlessChrome/156.0.0.0 Safari/537.36`), "Chrome 156 on Linux");
  assert.equal(browserWords(`Mozilla/5.0 (Windows NT 10.0) ${webkit} Chrome/140.0 Safari/537.36 Edg/140.0`), "Edge 140 on Windows");
  assert.equal(browserWords("Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0"), "Firefox 128 on Windows");
  assert.equal(
    browserWords(
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 (KHTML) Version/18.0 Mobile/15E148 Safari/604.1",
    ),
    "Safari 18 on iOS",
  );
  assert.equal(browserWords("curl/8"), "curl/8");
  assert.equal(browserWords(""), "a browser that does not say what it is");
});
