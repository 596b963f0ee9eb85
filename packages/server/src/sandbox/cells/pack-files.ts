import type { Program } from "../backend.ts";

/** Everything a program needs, as the runner that waits for it reads it. */
export function packFiles(program: Program): Buffer {
  return program.language === "shell" ? Buffer.from(asScript(program.files)) : asFrames(program.files);
}

/** For each file: length of the name, length of the content (32 bits, big-endian), name, content. */
function asFrames(files: Program["files"]): Buffer {
  const parts: Uint8Array[] = [];
  for (const [name, content] of files) {
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32BE(Buffer.byteLength(name), 0);
    lengths.writeUInt32BE(content.byteLength, 4);
    parts.push(lengths, Buffer.from(name), content);
  }
  return Buffer.concat(parts);
}

/** Commands of a shell that write the files. Base64 has no character that a shell reads, and names are quoted. */
function asScript(files: Program["files"]): string {
  const commands: string[] = [];
  for (const [name, content] of files) {
    const folder = name.split("/").slice(0, -1).join("/");
    if (folder !== "") commands.push(`mkdir -p ${quote(`./${folder}`)}`);
    commands.push(`base64 -d > ${quote(`./${name}`)} <<'.'`, Buffer.from(content).toString("base64"), ".");
  }
  return `${commands.join("\n")}\n`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
