export { openDoors } from "./open-doors.ts";
