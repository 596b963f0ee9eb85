import type { Drawing } from "../../../parts/graph-view/drawing.ts";
import type { Placed } from "../../../parts/graph-view/layout.ts";

/** An arrow key. */
export type Arrow = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown";

const WAYS: Readonly<Record<Arrow, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
/** How much worse it is to be aside than to be far. */
const ASIDE = 3;

/** The node that an arrow key leads to: the nearest that way; frames count by where they begin. Pure. */
export function nodeThatWay(
  { drawing, places }: { readonly drawing: Drawing; readonly places: ReadonlyMap<string, Placed> },
  from: string,
  arrow: Arrow,
): string | undefined {
  const [right, down] = WAYS[arrow];
  const middle = cornersOf(drawing, places);
  const start = middle.get(from);
  if (start === undefined) return drawing.nodes[0]?.id;
  let best: { readonly id: string; readonly cost: number } | undefined;
  for (const { id } of drawing.nodes) {
    const at = middle.get(id);
    if (id === from || at === undefined) continue;
    const [dx, dy] = [at.x - start.x, at.y - start.y];
    const ahead = dx * right + dy * down;
    const aside = Math.abs(dx * down) + Math.abs(dy * right);
    if (ahead <= 1) continue;
    const cost = ahead + aside * ASIDE;
    if (best === undefined || cost < best.cost) best = { id, cost };
  }
  return best?.id;
}

/** Where nodes begin in the whole picture: places are told within their frames. */
function cornersOf(drawing: Drawing, places: ReadonlyMap<string, Placed>): ReadonlyMap<string, { readonly x: number; readonly y: number }> {
  const corners = new Map<string, { readonly x: number; readonly y: number }>();
  for (const { id, parentId } of drawing.nodes) {
    const place = places.get(id);
    const around = (parentId === undefined ? undefined : corners.get(parentId)) ?? { x: 0, y: 0 };
    if (place !== undefined) corners.set(id, { x: around.x + place.x, y: around.y + place.y });
  }
  return corners;
}
