import type { Event } from "@tutti/core";

/** The example that the tour runs: it calculates, asks a person, and says what came of it. It needs no model and no plugin. */
export const TOUR_GRAPH = `name: tour
input: { type: object, properties: { guests: { type: integer } }, required: [guests] }
nodes:
  price: { type: tool, tool: safe_calc, input: { expression: "\${ string(input.guests) } * 24.50" } }
  ask: { type: approval, question: "Order dinner for \${ string(input.guests) } for \${ string(nodes.price.output.result) } euros?" }
  order: { type: transform, value: { ordered: true, approvedBy: "\${ nodes.ask.output.by }" } }
  leave: { type: transform, value: { ordered: false } }
edges:
  - { from: price, to: ask }
  - { from: ask, to: order, case: approved }
  - { from: ask, to: leave, case: refused }
`;

/** What the example is started with. */
export const TOUR_INPUT = { guests: 12 };

/** How far the example is: it works, it asks, or it has ended. */
export type TourProgress = "working" | "asking" | "ended";

/** What an event means for the example; others mean nothing. */
const MEANS: Readonly<Partial<Record<Event["type"], TourProgress>>> = {
  "step.waiting": "asking",
  "approval.answered": "working",
  "run.completed": "ended",
  "run.failed": "ended",
  "run.cancelled": "ended",
};

/** How far the example is after one more event. */
export function progressAfter(progress: TourProgress, { type }: Pick<Event, "type">): TourProgress {
  return MEANS[type] ?? progress;
}
