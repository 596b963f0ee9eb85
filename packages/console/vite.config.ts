import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Where `npm run dev` finds a running Tutti. */
const SERVER = "http://127.0.0.1:8088";

export default defineConfig(({ command }) => ({
  // Relative, so that the same files work under any path that a proxy puts in front; the server writes that path into `<base>`.
  base: command === "serve" ? "/admin/" : "./",
  plugins: [react(), tailwindcss()],
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      output: {
        // A laptop's Tutti speaks HTTP/1.1, which brings six files at a time: what every page needs comes as one, what most pages share as another.
        codeSplitting: {
          groups: [
            { name: "start", tags: ["$initial"], priority: 1 },
            {
              name: "parts",
              test: /console\/src\/(parts|shell)\/|lucide-react/,
              minShareCount: 5,
              maxModuleSize: 8_000,
              // The heavy things that a part opens stay beside it, for the pages that use it.
              includeDependenciesRecursively: false,
            },
          ],
        },
      },
    },
  },
  server: { host: "127.0.0.1", proxy: { "/v1": { target: SERVER, ws: true }, "/health": SERVER } },
}));
