import { useMemo, type ComponentProps, type ReactNode } from "react";
import { useRoving } from "../parts/roving.ts";
import { cx } from "../parts/class-names.ts";
import { COLOUR } from "../parts/tones.ts";
import { BodyLink } from "./body-link.tsx";
import { BODY_ACCENT, sparkColour } from "./looks.ts";
import { orbit, WIDE, type Body, type Sky } from "./sky.ts";

const SIZE = { width: 850, height: 400 };
const SCALE = 49;
/** How much the sky is tilted: 0 from the side, 1 from above. */
const TILT = 0.54;
const NAME_LENGTH_MAX = 18;
const RINGS_DRAWN = [2.2, 3.4, 4.8, 5.6];

/**
 * The constellation without depth: a picture that stands still, for everybody whom the other one would not serve. Each body leads to its
 * page; with the keyboard the arrows go from one to the next.
 */
export function FlatSky({ sky }: { readonly sky: Sky }): ReactNode {
  const byId = new Map(sky.bodies.map((body) => [body.id, body]));
  const named = useMemo(() => namedOf(sky.bodies), [sky.bodies]);
  const { box, propsOf } = useRoving<SVGSVGElement>();
  return (
    <svg
      ref={box}
      role="group"
      aria-label="Agents, models, tools and workflows"
      viewBox={`0 0 ${SIZE.width} ${SIZE.height}`}
      className="absolute inset-0 size-full"
      direction="ltr"
    >
      <circle cx={SIZE.width / 2} cy={SIZE.height / 2} r={26} fill="var(--glow)" />
      <circle cx={SIZE.width / 2} cy={SIZE.height / 2} r={5} fill="var(--blue)" />
      {RINGS_DRAWN.map((radius) => (
        <ellipse
          key={radius}
          cx={SIZE.width / 2}
          cy={SIZE.height / 2}
          rx={radius * SCALE * WIDE}
          ry={radius * SCALE * TILT}
          fill="none"
          stroke="var(--line)"
          strokeDasharray="2 5"
        />
      ))}
      {sky.ties.map(([from, to]) => {
        const [a, b] = [byId.get(from), byId.get(to)];
        if (a === undefined || b === undefined) return null;
        const [start, end] = [project(a.place), project(b.place)];
        return (
          <line key={`${from} ${to}`} x1={start.x} y1={start.y} x2={end.x} y2={end.y} stroke="var(--line-strong)" strokeOpacity={0.4} />
        );
      })}
      <Sparks sky={sky} byId={byId} />
      {sky.bodies.map((body, index) => (
        <FlatBody key={body.id} body={body} isNamed={named.has(body.id)} {...propsOf(index)} />
      ))}
    </svg>
  );
}

/** The most telling come first. */
const KINDS: readonly Body["kind"][] = ["agent", "model", "workflow", "tool"];
const LETTER_WIDTH = 6;
const LINE_HEIGHT = 12;

/** Names that would lie on another name, or on another body, are left out; whoever points at the body still reads it. */
function namedOf(bodies: readonly Body[]): ReadonlySet<string> {
  const taken = bodies.map(({ place }) => {
    const { x, y } = project(place);
    return { left: x - 5, right: x + 5, top: y - 5, bottom: y + 5 };
  });
  const named = new Set<string>();
  for (const { id, name, place } of bodies.toSorted((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind))) {
    const { x, y } = project(place);
    const half = (Math.min(name.length, NAME_LENGTH_MAX) * LETTER_WIDTH) / 2;
    const box = { left: x - half, right: x + half, top: y + 19 - LINE_HEIGHT + 2, bottom: y + 19 + 3 };
    const isFree = taken.every(
      ({ left, right, top, bottom }) => box.left > right || box.right < left || box.top > bottom || box.bottom < top,
    );
    if (!isFree) continue;
    taken.push(box);
    named.add(id);
  }
  return named;
}

type FlatBodyProps = Omit<ComponentProps<typeof BodyLink>, "children" | "className"> & { readonly isNamed: boolean };

function FlatBody({ body, isNamed, ...rest }: FlatBodyProps): ReactNode {
  const { kind, name, place } = body;
  const { x, y } = project(place);
  const colour = COLOUR[BODY_ACCENT[kind]];
  return (
    <BodyLink body={body} {...rest} className="group outline-none">
      <title>{`${kind} ${name}`}</title>
      <circle
        cx={x}
        cy={y}
        r={14}
        fill="transparent"
        className="stroke-blue opacity-0 group-hover:opacity-60 group-focus-visible:opacity-100"
        strokeWidth={2}
      />
      <circle cx={x} cy={y} r={9} fill={colour} opacity={0.16} />
      <circle cx={x} cy={y} r={4} fill={colour} />
      <text
        x={x}
        y={y + 19}
        textAnchor="middle"
        fontSize={11.5}
        fill="var(--ink-2)"
        className={cx("group-hover:underline", !isNamed && "opacity-0 group-hover:opacity-100 group-focus-visible:opacity-100")}
      >
        {name.length > NAME_LENGTH_MAX ? `${name.slice(0, NAME_LENGTH_MAX - 1)}…` : name}
      </text>
    </BodyLink>
  );
}

function Sparks({ sky, byId }: { readonly sky: Sky; readonly byId: ReadonlyMap<string, Body> }): ReactNode {
  const around = Map.groupBy(sky.sparks, ({ bodyId }) => bodyId);
  return [...around].flatMap(([bodyId, sparks]) => {
    const body = byId.get(bodyId);
    if (body === undefined) return [];
    return sparks.map(({ id, status }, index) => {
      const { x, y } = project(orbit(body.place, index, sparks.length));
      return <circle key={id} cx={x} cy={y} r={2.5} fill={sparkColour(status)} />;
    });
  });
}

function project([x, y, z]: Body["place"]): { readonly x: number; readonly y: number } {
  return { x: SIZE.width / 2 + x * SCALE, y: SIZE.height / 2 + z * SCALE * TILT - y * SCALE * (1 - TILT) };
}
