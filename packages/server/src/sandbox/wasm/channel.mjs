// What goes between a program in WebAssembly and the sandbox around it, as frames on this process's stdout: one byte for the kind, three of zero,
// four for the length.
import process from "node:process";

export const STDOUT = 1;
export const STDERR = 2;
export const READY = 3;
export const FILE = 4;
export const END = 5;

/** Sends a frame, and returns when it is in the pipe: a program that never yields is heard all the same. */
export function send(kind, bytes) {
  const header = new Uint8Array(8);
  header[0] = kind;
  new DataView(header.buffer).setUint32(4, bytes.byteLength);
  for (const piece of [header, bytes]) {
    for (let at = 0; at < piece.byteLength;) at += globalThis.Deno.stdout.writeSync(piece.subarray(at));
  }
}

/** Sends a file: the length of its name, its name, its content. */
export function sendFile(name, content) {
  const nameBytes = new TextEncoder().encode(name);
  const bytes = new Uint8Array(4 + nameBytes.length + content.byteLength);
  new DataView(bytes.buffer).setUint32(0, nameBytes.length);
  bytes.set(nameBytes, 4);
  bytes.set(content, 4 + nameBytes.length);
  send(FILE, bytes);
}

/** Tells the exit code and ends this process. */
export function end(exitCode) {
  send(END, new TextEncoder().encode(String(exitCode)));
  process.exit(0);
}

/** The program, once it is there: JSON with its files in base64. */
export async function receive() {
  send(READY, new Uint8Array());
  const pieces = [];
  for await (const piece of globalThis.Deno.stdin.readable) pieces.push(piece);
  const text = new TextDecoder().decode(await new Blob(pieces).arrayBuffer());
  const { files, ...program } = JSON.parse(text);
  const entries = Object.entries(files).map(([name, base64]) => [name, Uint8Array.fromBase64(base64)]);
  return { ...program, files: new Map(entries) };
}
