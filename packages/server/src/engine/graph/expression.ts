// Expressions in graphs are CEL (the Common Expression Language): no side effects, no clock, no randomness, no recursion. This file
// and expression-work.ts are all that knows the library; docs/decisions/0012-expressions.md says why it is this one.
import { AppError, type Json } from "@tutti/core";
import { Environment, type ASTNode, type ParseResult } from "@marcbachmann/cel-js";
import { RE2JS } from "re2js";
import { meter, spend, spendText, withinSteps, WORK_STEPS_MAX } from "./expression-work.ts";

/** A value's type as far as it is known: the names are CEL's; an object stands for a value with these properties. */
export type ValueType = "dyn" | "bool" | "double" | "int" | "string" | "list" | "map" | { readonly [property: string]: ValueType };

/** What is wrong with an expression, and at which of its characters. */
interface ExpressionFault {
  readonly message: string;
  readonly offset: number;
}

/** What an expression gives, and the nodes it speaks of as `nodes.<id>`. */
export type ExpressionCheck =
  | { readonly ok: true; readonly type: string; readonly nodes: readonly NodeReference[] }
  | { readonly ok: false; readonly fault: ExpressionFault; readonly nodes: readonly NodeReference[] };

/** A node an expression speaks of, and where. */
interface NodeReference {
  readonly id: string;
  readonly offset: number;
}

const LIMITS = { maxAstNodes: 1_000, maxDepth: 40, maxListElements: 500, maxMapEntries: 500, maxCallArguments: 16 };
/** Compiled expressions kept; then they are compiled anew. */
const COMPILED_MAX = 5_000;
const PATTERN_SIZE_MAX = 2_000;
/** What patterns take: to compile a character of one, and to hold a character of a text against one instruction. */
const PATTERN_STEPS = { character: 500, instruction: 1 / 4 };
/** What a value that is given back takes. */
const VALUE_STEPS = 1 / 4;

/** Those of the evaluation under way. */
const patterns = new Map<string, RE2JS>();
const compiled = new Map<string, ParseResult>();

/** Checks an expression against the types of its variables, and of the nodes it speaks of where there are any. Never throws. */
export function checkExpression(
  source: string,
  variables: Readonly<Record<string, ValueType>>,
  nodeType?: (id: string) => ValueType | undefined,
): ExpressionCheck {
  let nodes: readonly NodeReference[] = [];
  try {
    nodes = nodeReferences(ENVIRONMENT.parse(source).ast);
    const environment = ENVIRONMENT.clone();
    for (const [name, type] of Object.entries(variables)) declare(environment, name, type);
    if (nodeType !== undefined) declare(environment, "nodes", typesOf(nodes, nodeType));
    const { valid, type = "dyn", error } = environment.check(source);
    if (!valid) return { ok: false, fault: faultOf(error), nodes };
    // What will be evaluated is not quite what was written, so that is looked at as well.
    compile(source);
    return { ok: true, type, nodes };
  } catch (thrown) {
    return { ok: false, fault: faultOf(thrown), nodes };
  }
}

/**
 * The value of an expression. Throws `invalid_input` with the reason when it has none, `too_large` when it takes more steps than it may, and
 * `invalid_config` when it would not pass the check. Pure.
 */
export function evaluateExpression(source: string, variables: Readonly<Record<string, Json>>, stepsMax = WORK_STEPS_MAX): Json {
  const evaluate = compileChecked(source);
  patterns.clear();
  try {
    return withinSteps(stepsMax, () => toJson(evaluate(variables), 0));
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    throw new AppError("invalid_input", `the expression \${ ${source.trim()} } has no value: ${faultOf(thrown).message}`, {
      cause: thrown,
    });
  }
}

function compileChecked(source: string): ParseResult {
  try {
    return compile(source);
  } catch (thrown) {
    const { message, offset } = faultOf(thrown);
    throw new AppError("invalid_config", `\${ ${source.trim()} } is no expression: ${message}, at character ${offset + 1}`, {
      cause: thrown,
    });
  }
}

function compile(source: string): ParseResult {
  const known = compiled.get(source);
  if (known !== undefined) return known;
  const parsed = EVALUATION.parse(source);
  visit(parsed.ast, matchWithRe2);
  const { error } = parsed.check();
  if (error !== undefined) throw error;
  visit(parsed.ast, meter);
  if (compiled.size >= COMPILED_MAX) compiled.clear();
  compiled.set(source, parsed);
  return parsed;
}

/** Every variable that some expression may use; which ones it may use where it stands, the check says. */
const VARIABLES = ["input", "nodes", "run", "principal", "item", "index", "iteration", "last", "output", "error", "value"] as const;

function newEnvironment(): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: LIMITS,
  });
  // JSON has one kind of number, which CEL reads as double; a whole number written in an expression is an int. They may be mixed.
  for (const [left, right] of MIXED)
    for (const [sign, apply] of ARITHMETIC)
      environment.registerOperator(`${left} ${sign} ${right}: double`, (a: unknown, b: unknown) => apply(Number(a), Number(b)));
  environment.registerOperator("double % double: double", (a: unknown, b: unknown) => Number(a) % Number(b));
  environment.registerOperator("double == int: bool", (a: unknown, b: unknown) => Number(a) === Number(b));
  return environment;
}

/** Only of the nodes an expression speaks of: to declare all of them for each expression takes as long as the rest of a check. */
function typesOf(references: readonly NodeReference[], nodeType: (id: string) => ValueType | undefined): ValueType {
  return Object.fromEntries(
    references.flatMap(({ id }) => {
      const type = nodeType(id);
      return type === undefined ? [] : [[id, type]];
    }),
  );
}

const MIXED = [
  ["double", "int"],
  ["int", "double"],
] as const;

const ARITHMETIC: readonly (readonly [string, (a: number, b: number) => number])[] = [
  ["+", (a, b) => a + b],
  ["-", (a, b) => a - b],
  ["*", (a, b) => a * b],
  ["/", (a, b) => a / b],
  ["%", (a, b) => a % b],
];

function declare(environment: Environment, name: string, type: ValueType): void {
  if (typeof type === "string") environment.registerVariable(name, type);
  else if (Object.keys(type).length === 0) environment.registerVariable(name, "map");
  else environment.registerVariable({ name, schema: schemaOf(type) });
}

type Schema = { readonly [property: string]: string | Schema };

function schemaOf(type: { readonly [property: string]: ValueType }): Schema {
  return Object.fromEntries(
    Object.entries(type).map(([property, inner]) => [
      property,
      typeof inner === "string" ? inner : Object.keys(inner).length === 0 ? "map" : schemaOf(inner),
    ]),
  );
}

/** Patterns are matched by RE2, which takes linear time where JavaScript's can take forever. One that is written out is looked at now. */
function matchWithRe2(node: ASTNode): void {
  if (node.op !== "rcall" || node.args[0] !== "matches") return;
  node.args[0] = RE2_MATCHES;
  const [pattern] = node.args[2];
  if (pattern?.op !== "value" || typeof pattern.args !== "string") return;
  const written = pattern.args;
  withinSteps(WORK_STEPS_MAX, () => compilePattern(written));
}

function visit(node: ASTNode, look: (node: ASTNode) => void): void {
  look(node);
  for (const child of children(node.args)) visit(child, look);
}

function children(args: unknown): readonly ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(children);
  return typeof args === "object" && args !== null && "op" in args ? [args as ASTNode] : [];
}

/** `nodes.<id>` and `nodes["<id>"]`. */
function nodeReferences(ast: ASTNode): readonly NodeReference[] {
  const found: NodeReference[] = [];
  visit(ast, (node) => {
    if (node.op !== "." && node.op !== ".?" && node.op !== "[]" && node.op !== "[?]") return;
    const [object, name] = node.args;
    if (object.op !== "id" || object.args !== "nodes") return;
    if (typeof name === "string") found.push({ id: name, offset: node.end - name.length });
    else if (name.op === "value" && typeof name.args === "string") found.push({ id: name.args, offset: name.start });
  });
  return found;
}

function matchesRe2(text: string, pattern: string): boolean {
  const regex = patterns.get(pattern) ?? compilePattern(pattern);
  patterns.set(pattern, regex);
  spend(1 + text.length * regex.programSize() * PATTERN_STEPS.instruction);
  return regex.matcher(text).find();
}

function compilePattern(pattern: string): RE2JS {
  spend(pattern.length * PATTERN_STEPS.character);
  const regex = RE2JS.compile(pattern);
  if (regex.programSize() <= PATTERN_SIZE_MAX) return regex;
  throw new AppError("too_large", `wanted a pattern of at most ${PATTERN_SIZE_MAX} instructions, got ${regex.programSize()}; repeat less`);
}

const DEPTH_MAX = 100;

/** What CEL gave, as JSON: whole numbers come back as numbers, times and durations as texts. */
function toJson(value: unknown, depth: number): Json {
  if (depth > DEPTH_MAX) throw new AppError("invalid_input", `wanted a value nested at most ${DEPTH_MAX} deep, got a deeper one`);
  spend(VALUE_STEPS);
  if (typeof value === "string") spendText(value);
  if (value === null || value === undefined) return null;
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" || typeof value === "bigint") return numberOf(value);
  if (typeof value === "object") return objectOf(value, depth);
  throw new AppError("invalid_input", `wanted a JSON value, got a ${typeof value}`);
}

function numberOf(value: number | bigint): number {
  const number = Number(value);
  if (Number.isFinite(number) && (typeof value === "number" || Number.isSafeInteger(number))) return number;
  throw new AppError("invalid_input", `wanted a number that JSON can hold, got ${value}`);
}

function objectOf(value: object, depth: number): Json {
  if (Array.isArray(value)) return value.map((item) => toJson(item, depth + 1));
  if (value instanceof Date) return value.toISOString();
  spend(value instanceof Map ? value.size : Object.keys(value).length);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), toJson(item, depth + 1)]));
  if (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item, depth + 1)]));
  if ("hasValue" in value && typeof value.hasValue === "function")
    return value.hasValue() === true && "value" in value && typeof value.value === "function" ? toJson(value.value(), depth + 1) : null;
  if (typeof value.valueOf() === "bigint" || typeof value.valueOf() === "number")
    return numberOf(value.valueOf() as unknown as number | bigint);
  throw new AppError("invalid_input", "wanted a JSON value, got one of CEL's own types; turn it into a text with string(…)");
}

function faultOf(thrown: unknown): ExpressionFault {
  if (!(thrown instanceof Error)) return { message: String(thrown), offset: 0 };
  const summary = "summary" in thrown && typeof thrown.summary === "string" ? thrown.summary : thrown.message;
  const range: unknown = "range" in thrown ? thrown.range : undefined;
  const offset = typeof range === "object" && range !== null && "start" in range && typeof range.start === "number" ? range.start : 0;
  return { message: plain(summary), offset };
}

/** The library's words in ours. */
function plain(summary: string): string {
  return summary
    .replaceAll(/dyn<([^>]*)>/g, "$1")
    .replaceAll(RE2_MATCHES, "matches")
    .replace(
      /^no such overload: (.*)$/,
      "wanted values that go together, got $1; turn one into the other's type, such as string(…) or int(…)",
    )
    .replace(/^No such key: (.*)$/, "there is no $1 in it")
    .replace(/^Unknown variable: (.*)$/, "there is no variable called $1 here")
    .replace(
      /^Ternary branches must have the same type, got '(.*)' and '(.*)'$/,
      "wanted the same type on both sides of the colon, got $1 and $2; write 1.0 for a number, or dyn(…) around one side",
    )
    .replace(/^List index must be int, got .*$/, "wanted a whole number to look into a list, got another; write int(…) around it")
    .replace(/^Unexpected token: EOF$/, "wanted more, got its end");
}

const RE2_MATCHES = "re2Matches";

const ENVIRONMENT = newEnvironment();
const EVALUATION = VARIABLES.reduce((environment, name) => environment.registerVariable(name, "dyn"), newEnvironment()).registerFunction(
  `string.${RE2_MATCHES}(string): bool`,
  matchesRe2,
);
