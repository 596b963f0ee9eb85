export { Panels, toolOf } from "./panels.ts";
export { panelSchema, panelsSchema } from "./panel-schema.ts";
export { datasetsSchema, openDataset, type Dataset } from "./datasets.ts";
