export { status, type Status } from "./routes/health.ts";
export { startApp, type RunningApp, type StartAppOptions } from "./start-app.ts";
