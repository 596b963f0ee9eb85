import { useMemo, type ComponentProps, type ReactNode } from "react";
import { useRoving } from "../parts/roving.ts";
import { COLOUR } from "../parts/tones.ts";
import { useSize, type Size } from "../parts/use-size.ts";
import { BodyLink } from "./body-link.tsx";
import { BODY_ACCENT, sparkColour } from "./looks.ts";
import { placeNames, type NamePlace } from "./name-places.ts";
import { orbit, RADII, WIDE, type Body, type BodyKind, type Sky } from "./sky.ts";

const FIRST_SIZE: Size = { width: 600, height: 340 };
/** Between the outermost ring and the edge: half a name, and a line of one. */
const MARGIN = { x: 44, y: 26 } as const;
/** How much of its height a body keeps when it is seen from above. */
const LIFT = 0.2;
const LIFT_MAX = 1.9 * LIFT;
/** What is longer is cut without dots: people who say what they see must say a part of the name. */
const NAME_LENGTH_MAX = 32;
/** Whose names are written first. */
const ORDER: readonly BodyKind[] = ["agent", "model", "workflow", "tool"];

type Point = { readonly x: number; readonly y: number };

/**
 * The constellation without depth: a picture that stands still, for everybody whom the other one would not serve. Each body leads to its
 * page; with the keyboard the arrows go from one to the next. A name for which there is no room is written when its body is pointed at.
 */
export function FlatSky({ sky }: { readonly sky: Sky }): ReactNode {
  const { element, size } = useSize<HTMLDivElement>(FIRST_SIZE);
  const { box, propsOf } = useRoving<SVGSVGElement>();
  const project = useMemo(() => projection(size), [size]);
  const places = useMemo(() => new Map(sky.bodies.map(({ id, place }) => [id, project(place)])), [sky, project]);
  const names = useMemo(() => namesOf(sky.bodies, places, size), [sky, places, size]);
  return (
    <div ref={element} className="size-full">
      <svg
        ref={box}
        role="group"
        aria-label="Agents, models, tools and workflows"
        viewBox={`0 0 ${size.width} ${size.height}`}
        className="size-full"
        direction="ltr"
      >
        <Rings project={project} />
        <Ties sky={sky} places={places} />
        <Sparks sky={sky} project={project} />
        {sky.bodies.map((body, index) => (
          <FlatBody key={body.id} body={body} at={places.get(body.id)} name={names.get(body.id)} {...propsOf(index)} />
        ))}
      </svg>
    </div>
  );
}

/** From the scene's units to pixels: the outermost ring fills the picture. */
function projection({ width, height }: Size): (place: Body["place"]) => Point {
  const outermost = Math.max(...RADII);
  const across = (width / 2 - MARGIN.x) / (outermost * WIDE);
  const down = (height / 2 - MARGIN.y) / (outermost + LIFT_MAX);
  return ([x, y, z]) => ({ x: width / 2 + x * across, y: height / 2 + (z - y * LIFT) * down });
}

function namesOf(bodies: readonly Body[], places: ReadonlyMap<string, Point>, size: Size): ReadonlyMap<string, NamePlace> {
  const inOrder = bodies.toSorted((one, other) => ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind));
  return placeNames(
    inOrder.map(({ id, name }) => ({ id, name: shortened(name), ...(places.get(id) ?? { x: 0, y: 0 }) })),
    size,
  );
}

function shortened(name: string): string {
  return name.slice(0, NAME_LENGTH_MAX);
}

function Rings({ project }: { readonly project: (place: Body["place"]) => Point }): ReactNode {
  const middle = project([0, 0, 0]);
  return (
    <>
      <circle cx={middle.x} cy={middle.y} r={26} fill="var(--glow)" />
      <circle cx={middle.x} cy={middle.y} r={5} fill="var(--blue)" />
      {RADII.map((radius) => (
        <ellipse
          key={radius}
          cx={middle.x}
          cy={middle.y}
          rx={project([radius * WIDE, 0, 0]).x - middle.x}
          ry={project([0, 0, radius]).y - middle.y}
          fill="none"
          stroke="var(--line)"
          strokeDasharray="2 5"
        />
      ))}
    </>
  );
}

function Ties({ sky, places }: { readonly sky: Sky; readonly places: ReadonlyMap<string, Point> }): ReactNode {
  return sky.ties.map(([from, to]) => {
    const [a, b] = [places.get(from), places.get(to)];
    if (a === undefined || b === undefined) return null;
    return <line key={`${from} ${to}`} x1={a.x} y1={a.y} x2={b.x} y2={b.y} stroke="var(--line-strong)" strokeOpacity={0.4} />;
  });
}

type FlatBodyProps = Omit<ComponentProps<typeof BodyLink>, "children" | "className"> & {
  readonly at: Point | undefined;
  readonly name: NamePlace | undefined;
};

function FlatBody({ body, at, name, ...rest }: FlatBodyProps): ReactNode {
  if (at === undefined) return null;
  const colour = COLOUR[BODY_ACCENT[body.kind]];
  return (
    <BodyLink body={body} {...rest} className="group outline-none">
      <title>{`${body.kind} ${body.name}`}</title>
      <circle
        cx={at.x}
        cy={at.y}
        r={14}
        fill="transparent"
        className="stroke-blue opacity-0 group-hover:opacity-60 group-focus-visible:opacity-100"
        strokeWidth={2}
      />
      <circle cx={at.x} cy={at.y} r={9} fill={colour} opacity={0.16} />
      <circle cx={at.x} cy={at.y} r={4} fill={colour} />
      <text
        x={name?.x ?? at.x}
        y={name?.y ?? at.y + 17}
        textAnchor="middle"
        dominantBaseline="central"
        fontSize={10.5}
        fill="var(--ink-2)"
        // A seam of the ground's colour, so that it can be read over lines.
        stroke="var(--ground-1)"
        strokeWidth={3}
        paintOrder="stroke"
        className={
          name === undefined
            ? "pointer-events-none opacity-0 group-hover:opacity-100 group-focus-visible:opacity-100"
            : "group-hover:underline"
        }
      >
        {shortened(body.name)}
      </text>
    </BodyLink>
  );
}

function Sparks({ sky, project }: { readonly sky: Sky; readonly project: (place: Body["place"]) => Point }): ReactNode {
  const byId = new Map(sky.bodies.map((body) => [body.id, body]));
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
