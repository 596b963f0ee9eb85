import type { Size } from "../use-size.ts";
import type { Drawing } from "./drawing.ts";
import type { Direction, Placed } from "./layout.ts";

/** How wide and tall the frame around a picture is, how the picture is laid out in it, and where each node stands. */
interface Framed {
  readonly drawing: Drawing;
  readonly places: ReadonlyMap<string, Placed>;
  readonly direction: Direction;
  readonly frame: Size;
}

/** What a picture shows first, and whether that is all of it. */
interface FirstView {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
  readonly isWhole: boolean;
}

/** Smaller than this, names cannot be read and nodes are hard to hit. */
const ZOOM_LEGIBLE = 0.6;
/** What is shown in part is shown large enough to read it at ease. */
const ZOOM_PART = 0.8;
const ZOOM_MAX = 1.1;
/** Room between the picture and the edge. */
const EDGE_PX = 24;
/** Above what is shown in part, which is said there. */
const HINT_PX = 64;
/** How much wider than tall a frame must be for a picture to lead across it. */
const WIDE = 1.4;

/** A frame that is taller than wide has its picture lead down. Pure. */
export function directionIn({ width, height }: Size): Direction {
  return width > height * WIDE ? "across" : "down";
}

/** All of a picture, if it can be read then; otherwise its beginning, the first node in sight. Pure. */
export function firstView({ drawing, places, direction, frame }: Framed): FirstView {
  const tops = drawing.nodes.flatMap(({ id, parentId }) => (parentId === undefined ? (places.get(id) ?? []) : []));
  const size = {
    width: tops.reduce((end, { x, width }) => Math.max(end, x + width), 1),
    height: tops.reduce((end, { y, height }) => Math.max(end, y + height), 1),
  };
  const fitting = Math.min((frame.width - 2 * EDGE_PX) / size.width, (frame.height - 2 * EDGE_PX) / size.height, ZOOM_MAX);
  const isWhole = fitting >= ZOOM_LEGIBLE;
  const zoom = isWhole ? fitting : ZOOM_PART;
  const along = direction === "across" ? "x" : "y";
  const [first] = tops.toSorted((one, other) => one[along] - other[along]);
  return {
    x: offsetOf({ length: size.width * zoom, room: frame.width, middle: middleOf(first?.x, first?.width) * zoom }, EDGE_PX),
    y: offsetOf({ length: size.height * zoom, room: frame.height, middle: middleOf(first?.y, first?.height) * zoom }, HINT_PX),
    zoom,
    isWhole,
  };
}

const middleOf = (start = 0, length = 0): number => start + length / 2;

interface Stretch {
  readonly length: number;
  readonly room: number;
  readonly middle: number;
}

/** Where a picture begins in a frame: in its middle, or, when it is longer than the frame, so that `middle` of it is as far in as it goes. */
function offsetOf({ length, room, middle }: Stretch, startPx: number): number {
  if (length <= room - 2 * EDGE_PX) return (room - length) / 2;
  return Math.min(startPx, Math.max(room - EDGE_PX - length, room / 2 - middle));
}
