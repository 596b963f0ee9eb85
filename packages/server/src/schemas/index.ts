export { jsonSchema, type JsonSchema } from "./json-schema.ts";
