import type { ComponentProps, ReactNode } from "react";
import { cx } from "./class-names.ts";
import { Hint } from "./hint.tsx";

/** How a button speaks: the one thing to do, one among several, one that is on, in passing, or dangerous. */
type Tone = "primary" | "plain" | "chosen" | "quiet" | "danger";

const TONES: Readonly<Record<Tone, string>> = {
  primary: "bg-blue text-on-accent border-transparent hover:brightness-110",
  plain: "bg-ground-2 border-line-strong text-ink hover:bg-ground-3",
  chosen: "bg-ground-3 border-blue text-ink hover:bg-ground-2",
  quiet: "border-transparent text-ink-2 hover:bg-ground-2 hover:text-ink",
  danger: "border-red text-red hover:bg-red hover:text-on-accent",
};
const SHAPE =
  "inline-flex h-8 shrink-0 items-center justify-center gap-1.5 rounded-md border text-[13px] font-medium whitespace-nowrap transition-[background,color,filter] disabled:cursor-not-allowed disabled:opacity-55";

type ButtonProps = Omit<ComponentProps<"button">, "className"> & {
  readonly tone?: Tone;
  /** Something is under way: the button waits. One that has this at all does it once however it is clicked: nobody means twice by a double click. */
  readonly isBusy?: boolean;
};

/** A button that says what it does. */
export function Button({ tone = "plain", isBusy, disabled, onClick, children, ...rest }: ButtonProps): ReactNode {
  const click: ButtonProps["onClick"] = (event) => {
    if (isBusy !== undefined && event.detail > 1) event.preventDefault();
    else onClick?.(event);
  };
  return (
    <button
      type="button"
      {...rest}
      onClick={click}
      disabled={disabled === true || isBusy === true}
      aria-busy={isBusy === true}
      className={buttonLook(tone)}
    >
      {isBusy === true && <Spinner />}
      {children}
    </button>
  );
}

/** A button that is only an icon; `label` is its name, for people who do not see it and as its hint. */
export function IconButton({ label, tone = "quiet", ...rest }: ButtonProps & { readonly label: string }): ReactNode {
  return (
    <Hint text={label}>
      <button type="button" {...rest} aria-label={label} className={iconLook(tone)} />
    </Hint>
  );
}

/** How a button looks that is only an icon. */
export const iconLook = (tone: Tone = "quiet"): string => cx(SHAPE, TONES[tone], "w-8");

/** A link that looks like a button. */
export const buttonLook = (tone: Tone = "plain"): string => cx(SHAPE, TONES[tone], "px-3");

function Spinner(): ReactNode {
  return <span aria-hidden className="size-3.5 animate-spin rounded-full border-2 border-current border-t-transparent" />;
}
