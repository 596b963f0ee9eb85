export { Connector, type ConnectorHealth, type ConnectorParts } from "./connector.ts";
export { type SampleParams } from "./connection.ts";
export { type OpenJail } from "./open-transport.ts";
export { type PinnedTool, type Pins } from "./pins.ts";
export type { AskingCall, HttpAuth, Question, QuestionAnswer, Reach, ServerSpec } from "./server-spec.ts";
export { finishLogin, StoredOAuth, type Keeping } from "./stored-oauth.ts";
