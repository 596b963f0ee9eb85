import type { StepKind } from "@tutti/core";
import type { GraphNode } from "@tutti/core/graph";
import {
  Bell,
  Blocks,
  Bot,
  Box,
  Braces,
  CircleDashed,
  CircleSlash,
  CircleX,
  Clock,
  GitBranch,
  Hand,
  Hourglass,
  LoaderCircle,
  OctagonX,
  Radio,
  Repeat,
  Rows3,
  Send,
  ShieldX,
  Sparkles,
  Split,
  SquareTerminal,
  Timer,
  Undo2,
  Workflow,
  Wrench,
  CircleCheck,
  type LucideIcon,
} from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "./class-names.ts";
import { INK, STATE_ACCENT, type StepState } from "./tones.ts";

/** What a step or a node does. */
export type DoingKind = StepKind | GraphNode["type"];

const ICONS: Readonly<Record<DoingKind, LucideIcon>> = {
  step: SquareTerminal,
  undo: Undo2,
  model: Sparkles,
  tool: Wrench,
  agent: Bot,
  workflow: Workflow,
  spawn: GitBranch,
  send: Send,
  sleep: Timer,
  wait: Timer,
  signal: Bell,
  approval: Hand,
  now: Clock,
  emit: Radio,
  patch: Blocks,
  condition: Split,
  transform: Braces,
  map: Rows3,
  loop: Repeat,
  group: Box,
  fail: OctagonX,
};

/** The sign of what a step or a node does; its kind must stand beside it in words, or be its hint. */
export function KindIcon({ kind }: { readonly kind: DoingKind }): ReactNode {
  const Icon = ICONS[kind];
  return <Icon aria-hidden className="size-3.5 shrink-0 text-ink-3" />;
}

const STATES: Readonly<Record<StepState, LucideIcon>> = {
  pending: CircleDashed,
  running: LoaderCircle,
  waiting: Hourglass,
  completed: CircleCheck,
  failed: CircleX,
  refused: ShieldX,
  skipped: CircleSlash,
  cancelled: CircleSlash,
};

/** Where a step or a node stands, as a sign with its name for people who do not see it. */
export function StateIcon({ state }: { readonly state: StepState }): ReactNode {
  const Icon = STATES[state];
  return (
    <span className={cx("inline-flex shrink-0", INK[STATE_ACCENT[state]])} title={state}>
      <Icon aria-hidden className="size-3.5" />
      <span className="sr-only">{state}</span>
    </span>
  );
}
