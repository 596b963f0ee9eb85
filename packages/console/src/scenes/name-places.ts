/** A point that is drawn, in pixels, and the name that it would like to have beside it. */
export interface NamedPoint {
  readonly id: string;
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

/** Where a name is written: the middle of its line. */
export interface NamePlace {
  readonly x: number;
  readonly y: number;
}

interface Rect {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Of the page's font at 10.5 px, a little on the wide side. */
const CHARACTER_PX = 5.9;
const LINE_PX = 12;
const DOT_PX = 6;
/** From the dot's middle to the name's, above or below. */
const AWAY_PX = 17;

/**
 * Finds a place for each name where it lies on no dot and on no other name: below its dot, above it, or beside it. The first named get the
 * first choice; a name for which there is no room is left out. Pure.
 */
export function placeNames(
  points: readonly NamedPoint[],
  box: { readonly width: number; readonly height: number },
): ReadonlyMap<string, NamePlace> {
  const dots = points.map(({ id, x, y }) => ({ id, rect: { left: x - DOT_PX, top: y - DOT_PX, right: x + DOT_PX, bottom: y + DOT_PX } }));
  const names: Rect[] = [];
  const places = new Map<string, NamePlace>();
  for (const point of points) {
    const isFree = (rect: Rect): boolean =>
      rect.left >= 0 &&
      rect.right <= box.width &&
      rect.top >= 0 &&
      rect.bottom <= box.height &&
      !names.some((other) => touch(other, rect)) &&
      !dots.some((dot) => dot.id !== point.id && touch(dot.rect, rect));
    const width = point.name.length * CHARACTER_PX;
    const place = placesBeside(point, width).find((candidate) => isFree(rectOf(candidate, width)));
    if (place === undefined) continue;
    names.push(rectOf(place, width));
    places.set(point.id, place);
  }
  return places;
}

function placesBeside({ x, y }: NamedPoint, width: number): readonly NamePlace[] {
  const aside = width / 2 + AWAY_PX - DOT_PX;
  return [
    { x, y: y + AWAY_PX },
    { x, y: y - AWAY_PX },
    { x: x + aside, y },
    { x: x - aside, y },
  ];
}

function rectOf({ x, y }: NamePlace, width: number): Rect {
  return { left: x - width / 2, right: x + width / 2, top: y - LINE_PX / 2, bottom: y + LINE_PX / 2 };
}

function touch(one: Rect, other: Rect): boolean {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}
