import type { WorkflowEntry } from "@tutti/client";
import { useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { say } from "../../parts/toasts.tsx";
import { Window } from "../../parts/window.tsx";
import { client } from "../../server.ts";
import { StartForm } from "./start-form.tsx";

/** Asks what a workflow is to be started with, starts it and goes to its run. */
export function StartWindow({ workflow, onClose }: { readonly workflow: WorkflowEntry; readonly onClose: () => void }): ReactNode {
  const { name, description, inputSchema } = workflow;
  const goToRun = useGoToRun();
  return (
    <Window title={`Start ${name}`} about={description} isOpen onClose={onClose}>
      <StartForm workflow={name} schema={inputSchema} start={(input) => client.startRun({ workflow: name, input })} onStarted={goToRun} />
    </Window>
  );
}

/** Goes to a run that was just started. */
export function useGoToRun(): (runId: string) => void {
  const navigate = useNavigate();
  return (runId) => {
    say("Started");
    void navigate({ to: "/runs/$runId", params: { runId } });
  };
}
