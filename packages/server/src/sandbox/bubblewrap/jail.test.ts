import { jailConformance } from "../jails/conformance.ts";
import { bubblewrapBackend } from "./index.ts";

jailConformance(bubblewrapBackend);
