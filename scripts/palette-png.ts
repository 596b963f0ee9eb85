// Makes pictures of screens small: a PNG of millions of possible colours becomes one of 256 chosen ones, which is what a screen has.
import { crc32, deflateSync, inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const COLOURS_MAX = 256;
const TRUE_COLOUR = 2;
const PALETTE = 3;

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, row by row. */
  readonly rgb: Buffer;
}

/** The same picture in at most 256 colours; `png` is one of 8 bits a channel without transparency, as browsers take them. */
export function withPalette(png: Buffer): Buffer {
  const { width, height, rgb } = pixelsOf(png);
  const palette = paletteOf(rgb);
  const rows = Buffer.alloc((width + 1) * height);
  const known = new Map<number, number>();
  for (let at = 0; at < width * height; at += 1) {
    const colour = rgb.readUIntBE(at * 3, 3);
    let index = known.get(colour);
    if (index === undefined) known.set(colour, (index = nearest(palette, colour)));
    rows[at + Math.floor(at / width) + 1] = index;
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head[8] = 8;
  head[9] = PALETTE;
  const colours = Buffer.concat(palette.map((colour) => Buffer.from([colour >> 16, (colour >> 8) & 255, colour & 255])));
  return Buffer.concat([
    SIGNATURE,
    chunk("IHDR", head),
    chunk("PLTE", colours),
    chunk("IDAT", deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function pixelsOf(png: Buffer): Pixels {
  const data: Buffer[] = [];
  let head: Buffer = Buffer.alloc(0);
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = png.readUInt32BE(at);
    const body = png.subarray(at + 8, at + 8 + length);
    const type = png.toString("latin1", at + 4, at + 8);
    if (type === "IHDR") head = body;
    if (type === "IDAT") data.push(body);
    at += length + 12;
  }
  const [width, height] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  if (head[8] !== 8 || head[9] !== TRUE_COLOUR)
    throw new Error(`wanted 8 bits of red, green and blue, got ${head[8]} bits of type ${head[9]}`);
  return { width, height, rgb: unfiltered(inflateSync(Buffer.concat(data)), width * 3, height) };
}

/** Each row of a PNG is told by what it differs in from its neighbours; the first byte says from which. */
function unfiltered(raw: Buffer, stride: number, height: number): Buffer {
  const out = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (stride + 1)] ?? 0;
    for (let x = 0; x < stride; x += 1) {
      const at = y * stride + x;
      const left = x < 3 ? 0 : (out[at - 3] ?? 0);
      const up = y === 0 ? 0 : (out[at - stride] ?? 0);
      const corner = x < 3 || y === 0 ? 0 : (out[at - stride - 3] ?? 0);
      out[at] = (raw[y * (stride + 1) + 1 + x] ?? 0) + predicted(filter, { left, up, corner });
    }
  }
  return out;
}

function predicted(filter: number, { left, up, corner }: { readonly left: number; readonly up: number; readonly corner: number }): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4: {
      const guess = left + up - corner;
      const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
      if (toLeft <= toUp && toLeft <= toCorner) return left;
      return toUp <= toCorner ? up : corner;
    }
    default:
      return 0;
  }
}

/** Colours by median cut: the box of colours that is spread widest for how often it is seen is halved until there are enough. */
function paletteOf(rgb: Buffer): readonly number[] {
  const counts = new Map<number, number>();
  for (let at = 0; at < rgb.length; at += 3) {
    const colour = rgb.readUIntBE(at, 3);
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const boxes = [boxOf([...counts])];
  while (boxes.length < COLOURS_MAX) {
    const widest = boxes.reduce((best, box) => (box.weight > best.weight ? box : best));
    if (widest.weight === 0) break;
    const { shift, colours } = widest;
    const sorted = colours.toSorted(([a], [b]) => ((a >> shift) & 255) - ((b >> shift) & 255));
    const middle = cutOf(sorted);
    boxes.splice(boxes.indexOf(widest), 1, boxOf(sorted.slice(0, middle)), boxOf(sorted.slice(middle)));
  }
  return boxes.map(({ colours }) => colours.reduce((best, one) => (one[1] > best[1] ? one : best))[0]);
}

type Counted = readonly [colour: number, count: number];

interface Box {
  readonly colours: readonly Counted[];
  /** Where the channel stands in which its colours differ most. */
  readonly shift: number;
  readonly weight: number;
}

function boxOf(colours: readonly Counted[]): Box {
  const spans = [16, 8, 0].map((shift) => {
    let [low, high] = [255, 0];
    for (const [colour] of colours) {
      const value = (colour >> shift) & 255;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    return { shift, span: high - low };
  });
  const { shift, span } = spans.reduce((best, one) => (one.span > best.span ? one : best));
  const seen = colours.reduce((sum, [, count]) => sum + count, 0);
  return { colours, shift, weight: colours.length < 2 ? 0 : span * Math.sqrt(seen) };
}

function cutOf(sorted: readonly Counted[]): number {
  const half = sorted.reduce((sum, [, count]) => sum + count, 0) / 2;
  let seen = 0;
  for (const [index, [, count]] of sorted.entries()) {
    seen += count;
    if (seen >= half) return Math.min(sorted.length - 1, Math.max(1, index));
  }
  return sorted.length - 1;
}

function nearest(palette: readonly number[], colour: number): number {
  let [best, bestFar] = [0, Number.POSITIVE_INFINITY];
  for (const [index, one] of palette.entries()) {
    const far =
      ((one >> 16) - (colour >> 16)) ** 2 + (((one >> 8) & 255) - ((colour >> 8) & 255)) ** 2 + ((one & 255) - (colour & 255)) ** 2;
    if (far < bestFar) [best, bestFar] = [index, far];
  }
  return best;
}

function chunk(type: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, "latin1"), body]);
  const whole = Buffer.alloc(named.length + 8);
  whole.writeUInt32BE(body.length, 0);
  named.copy(whole, 4);
  whole.writeUInt32BE(crc32(named), named.length + 4);
  return whole;
}
