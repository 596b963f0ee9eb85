export { Connector, type ConnectorHealth } from "./connector.ts";
export { type SampleParams } from "./connection.ts";
export { type PinnedTool, type Pins } from "./pins.ts";
export type { AskingCall, HttpAuth, Place, Question, QuestionAnswer, Reach, ServerSpec } from "./server-spec.ts";
export { finishLogin, StoredOAuth } from "./stored-oauth.ts";
