import { Switch } from "@base-ui/react/switch";
import { useId, type ComponentProps, type ReactNode } from "react";
import { cx } from "./class-names.ts";

const BOX =
  "w-full rounded-md border border-line-strong bg-ground px-2.5 text-[13px] text-ink placeholder:text-ink-3 disabled:opacity-60 aria-invalid:border-red";

interface FieldProps {
  readonly label: string;
  readonly help?: ReactNode;
  /** What is wrong with what was given. */
  readonly problem?: string | undefined;
}

interface FieldIds {
  readonly id: string;
  readonly "aria-describedby": string | undefined;
  readonly "aria-invalid": boolean;
}

/** A named place for an answer; `children` gets the ids that tie the two together. */
function Field({ label, help, problem, children }: FieldProps & { readonly children: (ids: FieldIds) => ReactNode }): ReactNode {
  const id = useId();
  const isDescribed = problem !== undefined || help !== undefined;
  return (
    <div className="flex flex-col gap-1">
      <label htmlFor={id} className="text-xs font-medium text-ink-2" dir="auto">
        {label}
      </label>
      {children({ id, "aria-describedby": isDescribed ? `${id}-about` : undefined, "aria-invalid": problem !== undefined })}
      {isDescribed && (
        <p id={`${id}-about`} className={cx("text-xs", problem === undefined ? "text-ink-3" : "text-red")} dir="auto">
          {problem ?? help}
        </p>
      )}
    </div>
  );
}

/** One line of text. */
export function TextField({ label, help, problem, ...rest }: FieldProps & Omit<ComponentProps<"input">, "id" | "className">): ReactNode {
  return (
    <Field label={label} help={help} problem={problem}>
      {(ids) => <input dir="auto" {...rest} {...ids} className={cx(BOX, "h-8")} />}
    </Field>
  );
}

/** Text of several lines. */
export function TextArea({ label, help, problem, ...rest }: FieldProps & Omit<ComponentProps<"textarea">, "id" | "className">): ReactNode {
  return (
    <Field label={label} help={help} problem={problem}>
      {(ids) => <textarea dir="auto" rows={4} {...rest} {...ids} className={cx(BOX, "py-1.5 font-mono leading-relaxed")} />}
    </Field>
  );
}

/** A choice among a few. The browser's own list: it works everywhere, with every input. */
export function Choice({
  label,
  help,
  problem,
  options,
  ...rest
}: FieldProps &
  Omit<ComponentProps<"select">, "id" | "className"> & {
    readonly options: readonly { readonly value: string; readonly label: string }[];
  }): ReactNode {
  return (
    <Field label={label} help={help} problem={problem}>
      {(ids) => (
        <select {...rest} {...ids} className={cx(BOX, "h-8 pe-7")}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** On or off. */
export function Toggle({
  label,
  isOn,
  onChange,
}: {
  readonly label: string;
  readonly isOn: boolean;
  readonly onChange: (isOn: boolean) => void;
}): ReactNode {
  return (
    <label className="inline-flex items-center gap-2 text-[13px] text-ink">
      <Switch.Root
        checked={isOn}
        onCheckedChange={onChange}
        className="relative h-5 w-9 rounded-full border border-line-strong bg-ground-3 transition-colors data-[checked]:bg-blue"
      >
        <Switch.Thumb className="block size-3.5 translate-x-0.5 rounded-full bg-ink transition-transform data-[checked]:translate-x-[18px] data-[checked]:bg-on-accent" />
      </Switch.Root>
      {label}
    </label>
  );
}
