export { consoleRoutes, isConsolePath } from "./console-routes.ts";
