import { sandboxConformance } from "../conformance.ts";
import { bubblewrapBackend } from "./index.ts";

sandboxConformance(bubblewrapBackend, { languages: ["python", "javascript", "typescript", "shell"] });
