import { sandboxConformance } from "../conformance.ts";
import { landlockBackend } from "./index.ts";

sandboxConformance(landlockBackend, { languages: ["python", "javascript", "typescript", "shell"] });
