export { status } from "./routes/health.ts";
export { signInUrl } from "./routes/sessions.ts";
export { startApp, type RunningApp } from "./start-app.ts";
