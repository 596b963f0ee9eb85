export { LiveDoor } from "./live-door.ts";
export { liveRoutes } from "./live-routes.ts";
export { topicSchema } from "./topics.ts";
