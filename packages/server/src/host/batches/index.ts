export type { BatchEndpoint } from "./batch-lines.ts";
export type { AskBatchLine, BatchAnswer, BatchAsk } from "./batch-workflow.ts";
export { Batches, isUnderWay, type Batch } from "./batches.ts";
export { Files } from "./files.ts";
