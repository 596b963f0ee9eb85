import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { checkGraph, graphJsonSchema, problemLine, readGraph, type KnownTargets } from "./index.ts";

const known: KnownTargets = {
  tools: new Map([
    [
      "calc",
      {
        type: "object",
        properties: { expression: { type: "string" }, digits: { type: "integer" }, mode: { enum: ["exact", "fast"] } },
        required: ["expression"],
        additionalProperties: false,
      },
    ],
  ]),
  workflows: ["orders"],
  agents: ["holly"],
  models: ["gpt"],
  isModel: (id) => id === "gpt",
};

/** Every problem as `line:column: message`. */
function problems(text: string): readonly string[] {
  const reading = readGraph(text, known);
  return reading.ok ? [] : reading.problems.map((problem) => problemLine(problem, "g").slice(2));
}

/** One node among others that are right. */
const node = (text: string): readonly string[] =>
  problems(
    `name: g\ninput: { type: object, properties: { n: { type: number }, s: { type: string } }, required: [n, s] }\nnodes:\n  a: ${text}\n`,
  );

describe("a graph's text", () => {
  test("is YAML or JSON, and a right one has no problems", () => {
    assert.deepEqual(problems("name: g\nnodes: { a: { type: transform, value: 1 } }"), []);
    assert.deepEqual(problems('{"name": "g", "nodes": {"a": {"type": "transform", "value": 1}}}'), []);
  });

  test("is told everything that is wrong with it at once, each thing where it stands", () => {
    assert.deepEqual(
      problems(`name: My graph
nodes:
  fetch: { type: tol, tool: calc }
  check:
    type: condition
    if: \${ nodes.fetch.output.ok && input.n + 1 }
  calc: { type: tool, tool: kalk }
  late:
    type: transform
    value: |
      first \${ run.id }
      second \${ nodes.calc.output }
edges:
  - { from: fetch, to: chek }
  - { from: fetch, to: check, on: eror }
`),
      [
        '1:7: wanted lower-case letters, digits and dashes, beginning with a letter, got "My graph"',
        '3:18: wanted a type of node, got "tol"; did you mean "tool"?',
        "6:18: fetch need not have ended by then, so what it gave is not there; lead an edge from it to here",
        '7:29: wanted a tool that is installed, got "kalk", which is none; did you mean "calc"?',
        "12:23: calc need not have ended by then, so what it gave is not there; lead an edge from it to here",
        '14:24: wanted a node, got "chek", which is none; did you mean "check"?',
        '15:35: wanted success or error, got "eror"; did you mean "error"?',
      ],
    );
  });

  test("shows the line with a mark under the column", () => {
    const reading = readGraph("name: g\nnodes:\n  a: { type: transform, valu: 1 }");
    assert.ok(!reading.ok);
    assert.deepEqual(
      reading.problems.map(({ message, snippet }) => [message, ...snippet]),
      [
        ["wanted value, got none; add it", "  a: { type: transform, valu: 1 }", "  ^"],
        ['valu is no key here; did you mean "value"?', "  a: { type: transform, valu: 1 }", "                        ^"],
      ],
    );
  });

  test("that is no YAML is told where it breaks, and keys that stand twice are too", () => {
    assert.match(problems("name: g\nnodes: [")[0] ?? "", /^2:9: /);
    assert.deepEqual(problems("name: g\nnodes:\n  a: { type: transform, value: 1 }\n  a: { type: transform, value: 2 }"), [
      "4:3: Map keys must be unique",
    ]);
  });
});

describe("types", () => {
  const cases: readonly (readonly [what: string, text: string, at: string, problem: RegExp])[] = [
    [
      "a condition that is no boolean",
      "{ type: condition, if: '${ input.n + 1 }' }",
      "'${",
      /^wanted true or false, got an expression that gives a number$/,
    ],
    [
      "a condition that is no expression",
      "{ type: condition, if: 'input.n > 1' }",
      "'input",
      /^wanted an expression as \$\{ … \} and nothing around it/,
    ],
    [
      "values that do not go together",
      "{ type: transform, value: '${ input.s + 1 }' }",
      "input.s",
      /^wanted values that go together, got string \+ int/,
    ],
    ["a property the input has not", "{ type: transform, value: 'x ${ input.nn }' }", "nn", /^there is no nn in it/],
    ["a variable there is none of", "{ type: transform, value: '${ inptu }' }", "inptu", /^there is no variable called inptu here/],
    ["an expression that does not end", "{ type: transform, value: '${ input.n' }", "'${", /^wanted an expression that ends with \}/],
    [
      "items that are no list",
      "{ type: map, items: '${ input.s }', do: { nodes: { x: { type: transform, value: 1 } } } }",
      "'${",
      /^wanted a list, got an expression that gives a text/,
    ],
    [
      "a literal a tool would refuse",
      "{ type: tool, tool: calc, input: { expression: 5 } }",
      "5",
      /^wanted a value of type "string", got 5/,
    ],
    [
      "an expression a tool would refuse",
      "{ type: tool, tool: calc, input: { expression: '${ input.n }' } }",
      "'${",
      /^wanted a value of type "string", got an expression that gives a number/,
    ],
    [
      "a value outside an enum",
      "{ type: tool, tool: calc, input: { expression: x, mode: fats } }",
      "fats",
      /^wanted one of "exact", "fast", got "fats"/,
    ],
    ["an input a tool needs", "{ type: tool, tool: calc, input: { digits: 2 } }", "{ digits", /^wanted expression in the input, got none/],
    [
      "an input a tool does not know",
      "{ type: tool, tool: calc, input: { expression: x, digit: 2 } }",
      "digit:",
      /^the input has no digit; did you mean "digits"\?/,
    ],
    [
      "an agent there is none of",
      "{ type: agent, agent: holy, input: { message: x } }",
      "holy",
      /^wanted an agent that is installed, got "holy", which is none; did you mean "holly"\?/,
    ],
    [
      "a schema that is none",
      "{ type: wait, signal: x, schema: { type: strin } }",
      "{ type: strin",
      /^wanted a JSON Schema, got one that cannot be read/,
    ],
  ];
  for (const [what, text, at, problem] of cases)
    test(`tell ${what}, where it is`, () => {
      const [line = "", ...others] = node(text);
      assert.deepEqual(others, []);
      const [, column = "", message = ""] = /^4:(\d+): (.*)$/.exec(line) ?? [];
      assert.match(message, problem);
      assert.ok(`  a: ${text}`.slice(Number(column) - 1).startsWith(at), line);
    });

  test("follow what nodes give from one to the next", () => {
    const text = (value: string): string => `name: g
nodes:
  a: { type: transform, value: "\${ 1 + 1 }" }
  ask: { type: approval, question: Well? }
  b: { type: transform, value: ${value} }
edges: [ { from: a, to: b }, { from: ask, to: b } ]`;
    assert.deepEqual(problems(text('"${ nodes.a.output + 0.5 }"')), []);
    assert.match(problems(text('"${ nodes.a.output + nodes.ask.output.by }"'))[0] ?? "", /got double \+ string/);
    assert.match(problems(text('"${ nodes.ask.output.aproved }"'))[0] ?? "", /there is no aproved in it/);
  });
});

test("the checker tells problems or takes the graph, whatever it is given", () => {
  const ids = fc.constantFrom("a", "b", "c", "__proto__", "constructor", "in", "ü", "");
  const texts = fc.oneof(
    fc.string(),
    fc.constantFrom("${", "${}", "${ nodes.a }", "${ nodes['b'].output }", "${ item }", "$${x}", "${ {'a': [1, 2].map(x, x)} }"),
  );
  const json = fc.oneof(
    texts,
    fc.jsonValue().map((value) => value as unknown),
  );
  const type = fc.constantFrom("tool", "transform", "condition", "map", "loop", "group", "wait", "approval", "emit", "fail", "model", "x");
  const { graph } = fc.letrec((tie) => ({
    node: fc.oneof(
      json,
      fc.record(
        {
          type,
          tool: texts,
          input: json,
          value: json,
          if: texts,
          items: json,
          do: tie("graph"),
          times: json,
          while: texts,
          timesMax: json,
          ms: json,
          signal: texts,
          question: texts,
          event: texts,
          data: json,
          message: texts,
          prompt: texts,
          join: json,
        },
        { requiredKeys: ["type"] },
      ),
    ),
    graph: fc.record(
      {
        name: fc.constant("g"),
        nodes: fc.oneof({ depthSize: "small" }, json, fc.dictionary(ids, tie("node"), { maxKeys: 4 })),
        edges: fc.oneof(
          json,
          fc.array(
            fc.record({ from: ids, to: ids, when: texts, on: fc.constantFrom("error", "success") }, { requiredKeys: ["from", "to"] }),
            { maxLength: 6 },
          ),
        ),
        start: json,
        output: json,
        input: json,
      },
      { requiredKeys: ["name", "nodes"] },
    ),
  }));
  fc.assert(
    fc.property(graph, (value) => void checkGraph(value, known)),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(fc.string(), (text) => void readGraph(text, known)),
    { numRuns: 200 },
  );
  fc.assert(
    fc.property(graph, (value) => void readGraph(JSON.stringify(value), known)),
    { numRuns: 100 },
  );
});

test("a pattern that no safe engine can hold is told at its schema's place", () => {
  const graph = (input: unknown, schema: unknown): unknown => ({
    name: "g",
    input,
    nodes: { go: { type: "wait", signal: "go", schema } },
  });
  const safe = { type: "string", pattern: "^(a+)+$" };
  assert.deepEqual(checkGraph(graph(safe, safe)).problems, []);
  const behind = { type: "string", pattern: "(?<=a)b" };
  const names = { type: "object", patternProperties: { "^(a|a)*$": { type: "string" } } };
  assert.deepEqual(
    checkGraph(graph(behind, names)).problems.map(({ path }) => path),
    [["input"], ["nodes", "go", "schema"]],
  );
});

test("the format is there as JSON Schema, with every type of node", () => {
  const text = JSON.stringify(graphJsonSchema());
  for (const type of [
    "tool",
    "agent",
    "workflow",
    "model",
    "condition",
    "transform",
    "map",
    "loop",
    "group",
    "wait",
    "approval",
    "emit",
    "fail",
  ])
    assert.ok(text.includes(`"const":"${type}"`), type);
});
