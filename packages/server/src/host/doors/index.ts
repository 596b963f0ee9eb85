export { Doors, type Door } from "./doors.ts";
export { jailWithDoor } from "./jail-with-door.ts";
