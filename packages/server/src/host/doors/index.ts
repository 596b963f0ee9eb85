export { Doors, type Door, type OpenDoor } from "./doors.ts";
export { jailWithDoor } from "./jail-with-door.ts";
