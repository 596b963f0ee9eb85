export { createLogger, logEvents, type Logger, type LoggerOptions } from "./logger.ts";
export { createMetrics, type Metrics, type ServedRequest } from "./metrics.ts";
