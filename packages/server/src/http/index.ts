export { status } from "./routes/health.ts";
export { startApp, type RunningApp } from "./start-app.ts";
