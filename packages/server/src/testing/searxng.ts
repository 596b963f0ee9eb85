import assert from "node:assert/strict";
import { startStandIn, type StandIn } from "./stand-in.ts";

const PARAMETERS = new Set(["q", "format", "categories", "engines", "language", "pageno", "time_range", "safesearch"]);

/**
 * A stand-in of SearXNG's search API, as strict as the real one or stricter: `GET /search`, 400 without a query, 403 for a format that its
 * settings do not list, and a failed assertion for a parameter that the API does not have.
 */
export async function startSearxng(options: {
  readonly formats: readonly string[];
}): Promise<StandIn & { readonly asked: URLSearchParams[] }> {
  const asked: URLSearchParams[] = [];
  const server = await startStandIn((request, response) => {
    const url = new URL(request.url ?? "/", "http://searxng");
    if (url.pathname !== "/search" || request.method !== "GET") return void response.writeHead(404).end("not found");
    for (const name of url.searchParams.keys()) assert.ok(PARAMETERS.has(name), `SearXNG has no parameter ${name}`);
    assert.ok(["", "day", "week", "month", "year"].includes(url.searchParams.get("time_range") ?? ""));
    const query = url.searchParams.get("q")?.trim() ?? "";
    if (query === "") return void response.writeHead(400).end("No query");
    if (!options.formats.includes(url.searchParams.get("format") ?? "html")) return void response.writeHead(403).end("Forbidden");
    asked.push(url.searchParams);
    const result = (rank: number): object => ({
      url: `https://example.com/${rank}`,
      title: `${query} ${rank}`,
      content: `What ${rank} says`,
      publishedDate: rank === 1 ? "2026-01-01T00:00:00" : null,
      engine: "stand-in",
      template: "default.html",
      parsed_url: ["https", "example.com", `/${rank}`, "", "", ""],
      engines: ["stand-in"],
      positions: [rank],
      score: 1 / rank,
      category: "general",
    });
    // Engines bring addresses that are none of the web, and results of other shapes.
    const odd = [
      { ...result(0), url: "javascript:alert(1)" },
      { ...result(0), url: null },
      { ...result(1), content: 7, engine: [] },
    ];
    const results = [...odd, ...Array.from({ length: 20 }, (_, index) => result(index + 1))];
    const body = {
      query,
      number_of_results: 0,
      results,
      answers: [],
      corrections: [],
      infoboxes: [],
      suggestions: [],
      unresponsive_engines: [],
    };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  return { ...server, asked, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}
