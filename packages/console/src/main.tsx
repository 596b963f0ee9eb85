import "./platform.ts";
import "./style/console.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { CSPProvider } from "@base-ui/react/csp-provider";
import { Tooltip } from "@base-ui/react/tooltip";
import { AppError } from "@tutti/core";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { startAppearance } from "./appearance.ts";
import { Toasts } from "./parts/toasts.tsx";
import { queryClient } from "./query-client.ts";
import { loadPageAhead, router } from "./router.tsx";
import { SessionGate } from "./session.tsx";

startAppearance();
loadPageAhead();
const root = document.getElementById("root");
if (root === null) throw new AppError("internal", "wanted an element called root in the page, found none");
// A part that could not be drawn says so in its place; that it could not is a mistake of ours all the same, and is told as one.
createRoot(root, { onCaughtError: reportError }).render(
  <StrictMode>
    {/* The page's policy allows no inline styles, so no part may bring any. */}
    <CSPProvider disableStyleElements>
      <Tooltip.Provider delay={350}>
        <QueryClientProvider client={queryClient}>
          <SessionGate>
            <RouterProvider router={router} />
          </SessionGate>
          <Toasts />
        </QueryClientProvider>
      </Tooltip.Provider>
    </CSPProvider>
  </StrictMode>,
);
