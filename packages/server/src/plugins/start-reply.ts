import { AppError, type Json } from "@tutti/core";
import { z } from "zod";
import type { StartReply } from "./protocol.ts";

const TOOLS_MAX = 200;

const tool = z.object({
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, "wanted 1 to 64 letters, digits, _ and -"),
  description: z.string().min(1).max(4_096),
  effect: z.enum(["read", "write", "execute"]),
  parameters: z.json(),
  output: z.json().exactOptional(),
  examples: z
    .array(z.object({ input: z.json(), output: z.json().exactOptional() }))
    .max(20)
    .exactOptional(),
  cost: z.object({ usd: z.number().min(0).exactOptional(), durationMs: z.number().min(0).exactOptional() }).exactOptional(),
  isIdempotent: z.boolean().exactOptional(),
  isUntrusted: z.boolean().exactOptional(),
});
const schema = z.object({ tools: z.array(tool).max(TOOLS_MAX) });

/** What a plugin's process says that it brings, checked: it comes from code that nobody vouches for. */
export function readStartReply(value: Json): StartReply {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
  throw new AppError("invalid_input", `what its init returned is not right: ${problems}`);
}
