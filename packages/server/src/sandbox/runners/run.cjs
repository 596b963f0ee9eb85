// Stands ready inside a sandbox with the runtime up, takes one program with its files over descriptor 3, and becomes it.
"use strict";
const { closeSync, existsSync, mkdirSync, readSync, writeFileSync, writeSync } = require("node:fs");
const path = require("node:path");
const CONTROL = 3;
const SAID = 4;

function take() {
  writeSync(SAID, "ready\n");
  closeSync(SAID);
  const pieces = [];
  for (;;) {
    const piece = Buffer.allocUnsafe(65_536);
    const size = readSync(CONTROL, piece, 0, piece.length, null);
    if (size === 0) break;
    pieces.push(piece.subarray(0, size));
  }
  closeSync(CONTROL);
  return Buffer.concat(pieces);
}

// (length of name, length of content, name, content), one after the other.
function write(data) {
  for (let at = 0; at < data.length;) {
    const nameBytes = data.readUInt32BE(at);
    const contentBytes = data.readUInt32BE(at + 4);
    const name = data.toString("utf8", at + 8, at + 8 + nameBytes);
    at += 8 + nameBytes;
    if (name.includes("/")) mkdirSync(path.dirname(name), { recursive: true });
    writeFileSync(name, data.subarray(at, at + contentBytes));
    at += contentBytes;
  }
}

write(take());
process.argv[1] = path.resolve(existsSync("__main__.ts") ? "__main__.ts" : "__main__.js");
require("node:module").runMain();
