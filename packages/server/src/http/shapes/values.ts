import type { Json } from "@tutti/core";
import { z } from "zod";

/** Any JSON, under one name in the API's description. */
export const json: z.ZodType<Json> = z.json().meta({ id: "Json", description: "Any JSON value." });

/** An object whose names are not known beforehand. */
export const anyObject = z.record(z.string(), json);

/** A number of things. */
export const count = z.int().min(0);

/** What a tool does to the world. */
export const effect = z.enum(["read", "write", "execute"]);

/** What went wrong, by its stable code and in words. */
export const Failure = z.object({ code: z.string(), message: z.string() });

/** Something wrong in a text that somebody wrote, and where: lines and columns count from 1. */
export const Fault = z
  .object({
    name: z.string(),
    line: z.int(),
    column: z.int(),
    message: z.string(),
    snippet: z.tuple([z.string(), z.string()]).describe("The line, and a mark under its column."),
  })
  .meta({ id: "Fault", description: "Something wrong in a text that somebody wrote, and where." });

/** What was ended. */
export const Deleted = z.object({ deleted: z.string() });
