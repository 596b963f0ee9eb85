import { X } from "lucide-react";
import type { ReactNode } from "react";
import { IconButton } from "../../parts/button.tsx";
import { Choice, TextField } from "../../parts/fields.tsx";
import type { ConditionDraft } from "./grant-terms.ts";

const KINDS = [
  { value: "equals", label: "is" },
  { value: "oneOf", label: "is one of" },
  { value: "pattern", label: "fits the pattern" },
  { value: "range", label: "is a number up to" },
] as const;

interface ConditionProps {
  readonly number: number;
  readonly condition: ConditionDraft;
  readonly onChange: (condition: ConditionDraft) => void;
  readonly onRemove: () => void;
}

/** What an input may hold at one place. */
export function ConditionFields({ number, condition, onChange, onRemove }: ConditionProps): ReactNode {
  const change = (part: Partial<ConditionDraft>): void => onChange({ ...condition, ...part });
  return (
    <div
      role="group"
      aria-label={`Condition ${number}`}
      className="grid grid-cols-[1fr_auto] items-end gap-2 sm:grid-cols-[1fr_11rem_1.4fr_auto]"
    >
      <TextField
        label="Place"
        placeholder="order.amount"
        value={condition.path}
        maxLength={200}
        onChange={({ target }) => change({ path: target.value })}
      />
      <Choice
        label="Condition"
        value={condition.kind}
        options={KINDS}
        onChange={({ target }) => change({ kind: KINDS.find(({ value }) => value === target.value)?.value ?? "equals" })}
      />
      {condition.kind === "range" ? (
        <div className="grid grid-cols-2 gap-2">
          <TextField
            label="At least"
            type="number"
            step="any"
            value={condition.min}
            onChange={({ target }) => change({ min: target.value })}
          />
          <TextField
            label="At most"
            type="number"
            step="any"
            value={condition.max}
            onChange={({ target }) => change({ max: target.value })}
          />
        </div>
      ) : (
        <TextField
          label={condition.kind === "oneOf" ? "Values, with commas between" : "Value"}
          value={condition.value}
          maxLength={2000}
          onChange={({ target }) => change({ value: target.value })}
        />
      )}
      <IconButton label={`Take out condition ${number}`} onClick={onRemove}>
        <X aria-hidden className="size-3.5" />
      </IconButton>
    </div>
  );
}
