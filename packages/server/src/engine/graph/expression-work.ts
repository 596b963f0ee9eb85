// What an expression may do before it is stopped. The library has no bound of its own on what an evaluation takes, so this one takes hold of
// a checked expression's parts: each counts when it is evaluated, and counts its operands' sizes before it looks through them.
import { AppError } from "@tutti/core";
import type { ASTNode } from "@marcbachmann/cel-js";

/** Steps of one evaluation. A step is about 50 ns: what it takes to evaluate a part as small as a number. */
export const WORK_STEPS_MAX = 1_500_000;

const STEPS = {
  /** To find what an operator or a function does with operands of these types. */
  dispatch: 1,
  /** Of a list that is looked through. */
  element: 1 / 4,
  /** Of an object whose properties are asked for; large ones keep them in a table. */
  property: 8,
  /** Of a text that is compared with another. */
  comparedCharacter: 1 / 64,
  /** Of a text that is gone through, or copied. */
  character: 1 / 16,
  /** Of a text whose characters are counted, or that is parsed as JSON. */
  readCharacter: 1 / 2,
  /** A character of a text beside one of what is sought in it: some texts have to be compared at every place. */
  soughtCharacter: 1 / 256,
  /** A duration or a moment is read; the text of a duration in cubic time. */
  time: 30,
  durationCharacterCubed: 1 / 25,
  /** A time of day in a time zone is asked of the system's tables. */
  timeZone: 2_000,
  /** Once round a loop, beside what is in it. */
  round: 4,
  /** A part that has no value: an error is made, with the place of the fault. */
  failure: 250,
} as const;

/** What the evaluation under way may still do. */
interface Budget {
  readonly stepsMax: number;
  stepsLeft: number;
  /** Why it is over; kept, since operators such as || go on when one side has no value, for whatever reason. */
  exhaustion?: AppError;
}

let budget: Budget = { stepsMax: 0, stepsLeft: 0 };

/** Does something that spends at most so many steps. Throws `too_large` when it wanted more, whatever else it came to. */
export function withinSteps<T>(stepsMax: number, work: () => T): T {
  const mine: Budget = { stepsMax, stepsLeft: stepsMax };
  budget = mine;
  try {
    const value = work();
    if (mine.exhaustion === undefined) return value;
  } catch (thrown) {
    throw mine.exhaustion ?? thrown;
  }
  throw mine.exhaustion;
}

/** Counts steps about to be taken; throws when there are none left. */
export function spend(steps: number): void {
  budget.stepsLeft -= steps;
  if (budget.stepsLeft >= 0) return;
  throw (budget.exhaustion ??= new AppError(
    "too_large",
    `the expression takes more than ${budget.stepsMax} steps; put its parts into nodes of their own`,
  ));
}

/** Counts what a text takes that is gone through. */
export function spendText(text: string): void {
  spend(text.length * STEPS.character);
}

type Evaluate = (evaluator: unknown, node: unknown, context: unknown) => unknown;
type Handle = (...operands: unknown[]) => unknown;

/** What the library keeps at a node beside what it declares. */
interface Internals {
  readonly op: string;
  readonly args: unknown;
  readonly end: number;
  evaluate: Evaluate;
  handle?: Handle;
  readonly meta: {
    readonly evaluate: Evaluate;
    /** What stands for the node when it is evaluated: the loop that a call of map or all is. */
    readonly alternate?: Internals;
    readonly macro?: { evaluate: Evaluate };
  };
}

/** A loop, as what `args` of its node are. */
interface Loop {
  condition?: (accumulated: unknown) => boolean;
}

/** Makes one node of a checked expression count what it does. */
export function meter(ast: ASTNode): void {
  const node = ast as unknown as Internals;
  meterOperands(node);
  const { alternate } = node.meta;
  if (alternate?.op === "comprehension") meterLoop(alternate);
  const evaluate = evaluationOf(node);
  node.evaluate = (evaluator, _node, context) => {
    spend(1);
    try {
      return evaluate(evaluator, context);
    } catch (thrown) {
      spend(STEPS.failure + node.end * STEPS.character);
      throw thrown;
    }
  };
}

function evaluationOf(node: Internals): (evaluator: unknown, context: unknown) => unknown {
  const { alternate, macro, evaluate } = node.meta;
  const standIn = alternate ?? macro;
  if (standIn !== undefined) return (evaluator, context) => standIn.evaluate(evaluator, standIn, context);
  return (evaluator, context) => evaluate(evaluator, node, context);
}

function meterOperands(node: Internals): void {
  const { handle } = node;
  if (handle === undefined) return;
  const isCall = node.op === "call" || node.op === "rcall";
  const name = isCall && Array.isArray(node.args) ? String(node.args[0]) : node.op;
  if (!isCall && !OPERATORS.has(name)) return;
  const weigh = WEIGHERS[name] ?? (isCall ? weighCall : undefined);
  node.handle = (...given) => {
    const operands: readonly unknown[] = isCall && Array.isArray(given[0]) ? given[0] : given.slice(0, 2);
    for (const operand of operands) spendType(operand);
    weigh?.(operands[0], operands[1]);
    if (isCall && operands.length > 1 && name.startsWith("get")) spend(STEPS.timeZone);
    return handle(...given);
  };
}

/** Rounds are counted where nothing holds an error back: all and exists go on with the next element when one has no value. */
function meterLoop(node: Internals): void {
  const { handle } = node;
  const loop = node.args as Loop;
  const { condition } = loop;
  loop.condition = (accumulated) => {
    spend(STEPS.round);
    return condition?.(accumulated) ?? true;
  };
  if (handle === undefined) return;
  node.handle = (iterable, ...others) => {
    spendKeys(iterable);
    return handle(iterable, ...others);
  };
}

/** Counts what it takes to tell the type of a value: the library asks for its first element, and for that one's. */
function spendType(value: unknown): void {
  spend(STEPS.dispatch);
  for (let inner = value; isObject(inner);) {
    spendKeys(inner);
    if (Array.isArray(inner)) [inner] = inner as readonly unknown[];
    else [inner] = Object.values(inner);
  }
}

/** The operators whose operands' types say what they do. */
const OPERATORS: ReadonlySet<string> = new Set(["==", "!=", "in", "+", "-", "*", "/", "%", "<", "<=", ">", ">="]);

type Weigh = (first: unknown, second: unknown) => void;

/** By operator or function; other functions go through their texts once, and other operators take no longer for larger values. */
const WEIGHERS: Readonly<Record<string, Weigh>> = {
  "==": weighComparison,
  "!=": weighComparison,
  "<": weighComparison,
  "<=": weighComparison,
  ">": weighComparison,
  ">=": weighComparison,
  in: weighMembership,
  "+": (first, second) => {
    spendFlat(first);
    spendFlat(second);
  },
  startsWith: (_text, start) => spendFlat(start),
  endsWith: (_text, end) => spendFlat(end),
  contains: weighSearch,
  indexOf: weighSearch,
  lastIndexOf: weighSearch,
  split: weighSearch,
  join: (list, separator) => {
    spendDeep(list);
    if (Array.isArray(list)) spend(list.length * textLength(separator) * STEPS.character);
  },
  json: (bytes) => spend((bytes instanceof Uint8Array ? bytes.length : 0) * STEPS.readCharacter),
  size: (value) => {
    spendKeys(value);
    spend(textLength(value) * STEPS.readCharacter);
  },
  timestamp: () => spend(STEPS.time),
  duration: (text) => spend(STEPS.time + textLength(text) ** 3 * STEPS.durationCharacterCubed),
};

function weighCall(first: unknown, second: unknown): void {
  spendKeys(first);
  spendKeys(second);
}

function weighComparison(first: unknown, second: unknown): void {
  if (first === second && typeof first !== "string") return;
  if (typeof first === "string" && typeof second === "string") spend(Math.min(first.length, second.length) * STEPS.comparedCharacter);
  else if (isObject(first) && isObject(second)) {
    spendDeep(first);
    spendDeep(second);
  }
}

/** Whether a value is in a list is asked of each element; whether a key is in an object is not. */
function weighMembership(value: unknown, list: unknown): void {
  if (!Array.isArray(list)) return;
  spend(list.length * (STEPS.element + textLength(value) * STEPS.comparedCharacter));
  if (!isObject(value)) return;
  spend(spendDeep(value) * list.length);
  spendDeep(list);
}

function weighSearch(text: unknown, sought: unknown): void {
  const places = Math.max(0, textLength(text) - textLength(sought) + 1);
  spend(textLength(text) * STEPS.character + places * textLength(sought) * STEPS.soughtCharacter);
}

/** Counts a value with everything in it; gives how many steps that was. Counts before it goes on, so it takes no longer than is left. */
function spendDeep(value: unknown): number {
  let steps = spendFlat(value);
  if (!isObject(value) || value instanceof Uint8Array) return steps;
  const items: Iterable<unknown> = Array.isArray(value) || value instanceof Map ? value.values() : Object.values(value);
  for (const item of items) if (typeof item === "string" || isObject(item)) steps += spendDeep(item);
  return steps;
}

/** Counts a value without what is in its elements. */
function spendFlat(value: unknown): number {
  if (!Array.isArray(value)) return spendKeys(value);
  const steps = 1 + value.length * STEPS.element;
  spend(steps);
  return steps;
}

/** Counts an object's properties, or a text. How long a list is, is known without looking. */
function spendKeys(value: unknown): number {
  const steps = keySteps(value);
  spend(steps);
  return steps;
}

function keySteps(value: unknown): number {
  if (typeof value === "string") return value.length * STEPS.character;
  if (!isObject(value) || Array.isArray(value)) return 0;
  if (value instanceof Uint8Array) return value.length * STEPS.character;
  return 1 + (value instanceof Map ? value.size : Object.keys(value).length) * STEPS.property;
}

function textLength(value: unknown): number {
  return typeof value === "string" ? value.length : 0;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
