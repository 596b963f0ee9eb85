import { useNavigate } from "@tanstack/react-router";
import { useId, useState, type ReactNode } from "react";
import { Button } from "../../parts/button.tsx";
import { cx } from "../../parts/class-names.ts";
import { TextField } from "../../parts/fields.tsx";
import { Window } from "../../parts/window.tsx";
import { TEMPLATES } from "./templates.ts";

const NAME = /^[a-z][a-z0-9-]{0,63}$/;

interface NewWorkflowProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  /** Names that workflows have already. */
  readonly taken: readonly string[];
}

/** Asks for a name and something to begin with, and opens the editor. */
export function NewWorkflow({ isOpen, onClose, taken }: NewWorkflowProps): ReactNode {
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [template, setTemplate] = useState("blank");
  const [isAsked, setAsked] = useState(false);
  const formId = useId();
  const problem = problemOf(name, taken);
  const create = (): void => {
    setAsked(true);
    if (problem !== undefined) return;
    onClose();
    void navigate({ to: "/workflows/$name", params: { name }, search: { tab: "edit", template } });
  };
  return (
    <Window
      title="New graph workflow"
      about="Nodes and the ways between them, as a picture and as text. Nothing is saved until you save it."
      isOpen={isOpen}
      onClose={onClose}
      foot={
        <Button tone="primary" type="submit" form={formId}>
          Open the editor
        </Button>
      }
    >
      <form
        id={formId}
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          create();
        }}
      >
        <TextField
          label="Name"
          autoFocus
          value={name}
          placeholder="order-check"
          help="Lower-case letters, digits and dashes."
          problem={isAsked ? problem : undefined}
          onChange={({ target }) => setName(target.value)}
        />
        <fieldset className="flex flex-col gap-2">
          <legend className="mb-1 text-xs font-medium text-ink-2">Begin with</legend>
          {TEMPLATES.map(({ id, title, about }) => (
            <label
              key={id}
              className={cx(
                "grid cursor-pointer grid-cols-[auto_1fr] items-center gap-x-2.5 rounded-md border p-2.5",
                template === id ? "border-blue bg-ground-2" : "border-line hover:bg-ground-2",
              )}
            >
              <input
                type="radio"
                name="template"
                value={id}
                checked={template === id}
                onChange={() => setTemplate(id)}
                className="accent-blue"
              />
              <span className="text-[13px] font-medium text-ink">{title}</span>
              <span className="col-start-2 text-xs text-ink-2">{about}</span>
            </label>
          ))}
        </fieldset>
      </form>
    </Window>
  );
}

function problemOf(name: string, taken: readonly string[]): string | undefined {
  if (!NAME.test(name)) return `wanted lower-case letters, digits and dashes, beginning with a letter, got ${JSON.stringify(name)}`;
  return taken.includes(name) ? `a workflow is called "${name}" already; choose another name` : undefined;
}
