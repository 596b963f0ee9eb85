import { sandboxConformance } from "../conformance.ts";
import { wasmBackend } from "./index.ts";

sandboxConformance(wasmBackend, {
  languages: ["python", "javascript", "typescript"],
  processes: "WebAssembly has none",
  cpu: "nothing holds it",
});
