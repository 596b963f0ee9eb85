import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { SqliteSaver } from "@langchain/langgraph-checkpoint-sqlite";
import Database from "better-sqlite3";
import { versionOf } from "./version.js";

const State = Annotation.Root({ sum: Annotation() });

/**
 * A LangGraph of five nodes in a row with its SQLite checkpointer.
 * @param {string} folder
 */
export async function open(folder) {
  mkdirSync(folder, { recursive: true });
  const db = new Database(join(folder, "langgraph.db"));
  const saver = new SqliteSaver(db);
  // The saver sets WAL by itself; better-sqlite3 would then sync at checkpoints only.
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  const addOne = (/** @type {{ sum: number }} */ state) => ({ sum: state.sum + 1 });
  const graph = new StateGraph(State)
    .addNode("one", addOne)
    .addNode("two", addOne)
    .addNode("three", addOne)
    .addNode("four", addOne)
    .addNode("five", addOne)
    .addEdge(START, "one")
    .addEdge("one", "two")
    .addEdge("two", "three")
    .addEdge("three", "four")
    .addEdge("four", "five")
    .addEdge("five", END)
    .compile({ checkpointer: saver });
  let threads = 0;
  return {
    name: "langgraph",
    version: `langgraph ${versionOf("@langchain/langgraph")}, checkpoint-sqlite ${versionOf("@langchain/langgraph-checkpoint-sqlite")}, better-sqlite3 ${versionOf("better-sqlite3")}`,
    settings: 'durability "sync", SQLite with WAL and synchronous=FULL, a thread a workflow',
    async runWorkflow(/** @type {number} */ input) {
      threads += 1;
      const { sum } = await graph.invoke({ sum: input }, { configurable: { thread_id: `${threads}` }, durability: "sync" });
      return sum;
    },
    async [Symbol.asyncDispose]() {
      db.close();
    },
  };
}
