// A plugin for oxlint and ESLint that knows what a workflow must not do: `"jsPlugins": ["tutti/lint"]`, rule "workflow/no-native-race".

/** The ways in which JavaScript waits for several things at once. */
const TOGETHER = new Set(["all", "allSettled", "any", "race"]);

/** What a step is asked for with. */
const STEPS = new Set([
  "step",
  "call",
  "generate",
  "start",
  "spawn",
  "join",
  "send",
  "cancel",
  "sleep",
  "sleepUntil",
  "waitFor",
  "approve",
  "now",
  "emit",
  "patched",
]);

const MESSAGE =
  "wanted ctx.all, ctx.race or ctx.map, got a native Promise over steps of one context: which ends first is not recorded, so a replay may differ; the engine refuses it (concurrent_steps)";

/** Refuses `Promise.all`, `race`, `any` and `allSettled` over steps. A context is what is called `ctx`, or has the type `RunContext`. */
const noNativeRace = {
  meta: { type: "problem", docs: { description: "no native Promise.all or race over a workflow's steps" }, schema: [] },
  create(context) {
    const names = ["ctx"];
    const enter = (node) => {
      for (const param of node.params) if (isContext(param)) names.push(param.name);
    };
    const leave = (node) => {
      for (const param of node.params) if (isContext(param)) names.pop();
    };
    return {
      FunctionDeclaration: enter,
      FunctionExpression: enter,
      ArrowFunctionExpression: enter,
      "FunctionDeclaration:exit": leave,
      "FunctionExpression:exit": leave,
      "ArrowFunctionExpression:exit": leave,
      CallExpression(node) {
        if (isTogether(node.callee) && node.arguments.some((argument) => asksForStep(argument, names)))
          context.report({ node, message: MESSAGE });
      },
    };
  },
};

function isContext(param) {
  return param.type === "Identifier" && param.typeAnnotation?.typeAnnotation?.typeName?.name === "RunContext";
}

function isTogether(callee) {
  return (
    callee.type === "MemberExpression" &&
    callee.object.type === "Identifier" &&
    callee.object.name === "Promise" &&
    TOGETHER.has(callee.property.name)
  );
}

/** Whether a step is asked for anywhere in an expression. */
function asksForStep(node, names) {
  if (node === null || typeof node !== "object") return false;
  if (Array.isArray(node)) return node.some((item) => asksForStep(item, names));
  const { callee } = node;
  const isStep =
    node.type === "CallExpression" &&
    callee.type === "MemberExpression" &&
    callee.object.type === "Identifier" &&
    names.includes(callee.object.name) &&
    STEPS.has(callee.property.name);
  return isStep || Object.keys(node).some((key) => key !== "parent" && asksForStep(node[key], names));
}

// oxlint and ESLint ask for a default export.
export default { meta: { name: "workflow" }, rules: { "no-native-race": noNativeRace } };
