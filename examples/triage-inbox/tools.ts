import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError, type Json, type Tool } from "@tutti/core";
import { parseMail } from "./mail.ts";
import { jsonSchema, shape, type Field } from "./shape.ts";

const MAILS_MAX = 1000;
const MAIL_BYTES_MAX = 1_048_576;

/** Lists the mails of a folder, in order of their names. */
export const listMails = tool<{ readonly folder: string }>({
  name: "triage_list_mails",
  description: "Lists the mails (.eml and .txt files) of a folder.",
  effect: "read",
  fields: { folder: "text" },
  run: async ({ folder }) => {
    const names = await readdir(folder).catch((error: unknown) => {
      throw new AppError("not_found", `wanted a folder of mails, got ${folder}, which cannot be read`, { cause: error });
    });
    const mails = names.filter((name) => /\.(eml|txt)$/i.test(name)).toSorted();
    if (mails.length > MAILS_MAX)
      throw new AppError("too_large", `wanted at most ${MAILS_MAX} mails, got ${mails.length} in ${folder}; move some away`);
    return mails;
  },
});

/** Reads one mail of a folder. */
export const readMail = tool<{ readonly folder: string; readonly file: string }>({
  name: "triage_read_mail",
  description: "Reads a mail: who sent it and when, its subject and its text.",
  effect: "read",
  fields: { folder: "text", file: "text" },
  run: async ({ folder, file }) => {
    if (basename(file) !== file || !/\.(eml|txt)$/i.test(file))
      throw new AppError("invalid_input", `wanted the name of an .eml or .txt file, got ${JSON.stringify(file)}`);
    const path = join(folder, file);
    const { size } = await stat(path);
    if (size > MAIL_BYTES_MAX) throw new AppError("too_large", `wanted a mail of at most ${MAIL_BYTES_MAX} bytes, got ${size} in ${path}`);
    return parseMail(await readFile(path));
  },
});

/** Writes the report. Doing it twice gives the same files, so trying again after a crash is safe. */
export const writeReport = tool<{ readonly folder: string; readonly markdown: string; readonly json: string }>({
  name: "triage_write_report",
  description: "Writes report.md and report.json into a folder.",
  effect: "write",
  fields: { folder: "text", markdown: "text", json: "text" },
  run: async ({ folder, markdown, json }) => {
    await mkdir(folder, { recursive: true });
    const files = { "report.md": markdown, "report.json": json };
    for (const [name, text] of Object.entries(files)) {
      // Written aside first, so that nobody ever reads half a report.
      await writeFile(join(folder, `${name}.partial`), text);
      await rename(join(folder, `${name}.partial`), join(folder, name));
    }
    return Object.keys(files).map((name) => join(folder, name));
  },
});

interface ToolOptions<I> {
  readonly name: string;
  readonly description: string;
  readonly effect: Tool["effect"];
  readonly fields: Readonly<Record<keyof I & string, Field>>;
  readonly run: (input: I) => Promise<Json>;
}

function tool<I extends Json>({ fields, run, ...about }: ToolOptions<I>): Tool<I> {
  return { ...about, input: shape<I>(fields), parameters: jsonSchema(fields), run: (input) => run(input) };
}
