export { BATCH_ENDPOINTS, type BatchEndpoint } from "./batch-lines.ts";
export type { AskBatchLine, BatchAnswer, BatchAsk } from "./batch-workflow.ts";
export { Batches, isUnderWay, type Batch, type BatchesParts } from "./batches.ts";
export { Files, type FileObject } from "./files.ts";
