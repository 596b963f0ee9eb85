import { readFile, stat } from "node:fs/promises";
import { AppError, type Json, type Tool } from "@tutti/core";
import { z } from "zod";
import { idSchema } from "./panel-schema.ts";

const DATASETS_MAX = 50;
const FILE_BYTES_MAX = 4_194_304;
const TEXT = "a text of 1 to 1024 characters";
const text = z.string(TEXT).min(1, TEXT).max(1024, TEXT);

/**
 * Data that a plugin brings: a JSON file of its folder, or what it keeps in its storage under a key. Each is a tool that reads it, so that
 * panels, agents and workflows get it in the one way that policy decides and the log shows.
 */
export type Dataset = z.output<ReturnType<typeof datasetSchema>>;

/** One data set of a manifest; `file` is the schema of a way inside the plugin's folder. */
function datasetSchema(file: z.ZodString) {
  return z
    .strictObject({
      name: idSchema,
      description: text,
      file: file.exactOptional(),
      key: z.string("a key of the plugin's storage").min(1).max(200).exactOptional(),
    })
    .refine((dataset) => (dataset.file === undefined) !== (dataset.key === undefined), "a data set with either a file or a key");
}

/** The data sets of one plugin. */
export function datasetsSchema(file: z.ZodString) {
  return z
    .array(datasetSchema(file), "a list of data sets")
    .max(DATASETS_MAX, `at most ${DATASETS_MAX} data sets`)
    .superRefine((datasets, ctx) => {
      for (const [index, { name }] of datasets.entries())
        if (datasets.findIndex((other) => other.name === name) !== index)
          ctx.addIssue({ code: "custom", path: [index, "name"], message: `a name of its own, got ${name} again` });
    });
}

/** The tool that gives a data set: "sales" of the plugin "shop" is shop_sales. Pure. */
export function datasetTool(plugin: string, dataset: string): string {
  return `${plugin}_${dataset}`.replaceAll("-", "_");
}

/** What a data set is read with. `pathOf` is where a file of the plugin's folder stands. */
export interface DatasetHome {
  readonly plugin: string;
  readonly pathOf: (file: string) => string;
  readonly stored: (key: string) => Promise<Json>;
}

/** A data set as a tool; throws `invalid_config` when its file is none. A key that nothing was kept under gives an empty list. */
export async function openDataset({ name, description, file, key = "" }: Dataset, home: DatasetHome): Promise<Tool> {
  const read = file === undefined ? () => home.stored(key) : () => readData(home.pathOf(file), file);
  if (file !== undefined) await read();
  return {
    name: datasetTool(home.plugin, name),
    description,
    effect: "read",
    parameters: { type: "object", properties: {}, additionalProperties: false },
    run: read,
  };
}

async function readData(path: string, file: string): Promise<Json> {
  try {
    const { size } = await stat(path);
    if (size > FILE_BYTES_MAX)
      throw new AppError("too_large", `wanted a data set of at most ${FILE_BYTES_MAX} bytes, got ${size} in ${file}`);
    return JSON.parse(await readFile(path, "utf8")) as Json;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("invalid_config", `the data set ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
