import { Canvas, useFrame, useThree, type ThreeEvent } from "@react-three/fiber";
import { useEffect, useMemo, useRef, useState, type PointerEvent, type ReactNode } from "react";
import { CanvasTexture, Color, type Group, Object3D, type InstancedMesh, BufferGeometry, Float32BufferAttribute } from "three";
import { useTheme } from "../appearance.ts";
import { COLOUR } from "../parts/tones.ts";
import { BODY_ACCENT, sparkColour } from "./looks.ts";
import { orbit, type Body, type Sky } from "./sky.ts";

/** A sky in depth. */
export interface SceneProps {
  readonly sky: Sky;
  /** Whose name is shown; null when nothing is pointed at. */
  readonly onPoint: (body: Body | null) => void;
  readonly onOpen: (body: Body) => void;
  /** The same for the keyboard, over the picture. */
  readonly children: ReactNode;
}

/** Radians a second that the sky turns by itself while runs are under way. */
const TURN = 0.05;
const DRAG = 0.006;

/**
 * The constellation in depth. Frames are drawn on demand: when something changed, while it is turned, and while runs are under way; a sky
 * in which nothing happens costs nothing.
 */
export function SceneSky({ sky, onPoint, onOpen, children }: SceneProps): ReactNode {
  const [drag, setDrag] = useState({ turn: 0, tilt: 0.38 });
  // Colours are read from the page when the sky is made, so another theme makes it anew.
  const theme = useTheme();
  const start = useRef<{ readonly x: number; readonly y: number } | null>(null);
  const move = (event: PointerEvent): void => {
    const from = start.current;
    if (from === null) return;
    const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
    start.current = { x: event.clientX, y: event.clientY };
    setDrag(({ turn, tilt }) => ({ turn: turn + dx * DRAG, tilt: Math.min(1.3, Math.max(0.05, tilt + dy * DRAG)) }));
  };
  return (
    <>
      <div
        className="h-full w-full cursor-grab touch-pan-y active:cursor-grabbing"
        onPointerDown={(event) => (start.current = { x: event.clientX, y: event.clientY })}
        onPointerMove={move}
        onPointerUp={() => (start.current = null)}
        onPointerLeave={() => (start.current = null)}
      >
        <Canvas key={theme} frameloop="demand" dpr={[1, 2]} camera={{ position: [0, 0, 13.5], fov: 40 }} aria-hidden>
          <Turned turn={drag.turn} tilt={drag.tilt} isAlive={sky.sparks.length > 0}>
            <Bodies bodies={sky.bodies} onPoint={onPoint} onOpen={onOpen} />
            <Names bodies={sky.bodies} />
            <Ties sky={sky} />
            <Hub />
            <Sparks sky={sky} />
          </Turned>
        </Canvas>
      </div>
      {children}
    </>
  );
}

interface TurnedProps {
  readonly turn: number;
  readonly tilt: number;
  readonly isAlive: boolean;
  readonly children: ReactNode;
}

function Turned({ turn, tilt, isAlive, children }: TurnedProps): ReactNode {
  const group = useRef<Group>(null);
  const drift = useRef(0);
  const invalidate = useThree((state) => state.invalidate);
  useEffect(() => invalidate(), [turn, tilt, isAlive, invalidate]);
  useFrame((_, seconds) => {
    if (isAlive) drift.current += Math.min(seconds, 0.1) * TURN;
    group.current?.rotation.set(tilt, turn + drift.current, 0);
    if (isAlive) invalidate();
  });
  return (
    <group position={[0, 0.75, 0]}>
      <group ref={group}>{children}</group>
    </group>
  );
}

interface BodiesProps {
  readonly bodies: readonly Body[];
  readonly onPoint: (body: Body | null) => void;
  readonly onOpen: (body: Body) => void;
}

function Bodies({ bodies, onPoint, onOpen }: BodiesProps): ReactNode {
  const places = useMemo(() => bodies.map(({ place }) => place), [bodies]);
  const colours = useMemo(() => bodies.map(({ kind }) => paint(COLOUR[BODY_ACCENT[kind]])), [bodies]);
  const bodyAt = ({ instanceId }: ThreeEvent<globalThis.PointerEvent | MouseEvent>): Body | undefined =>
    instanceId === undefined ? undefined : bodies[instanceId];
  return (
    <>
      <Dots places={places} colours={colours} size={0.3} glow />
      <Dots
        places={places}
        colours={colours}
        size={0.13}
        onPointerMove={(event) => onPoint(bodyAt(event) ?? null)}
        onPointerOut={() => onPoint(null)}
        onClick={(event) => {
          const body = bodyAt(event);
          if (body !== undefined) onOpen(body);
        }}
      />
    </>
  );
}

function Sparks({ sky }: { readonly sky: Sky }): ReactNode {
  const drawn = useMemo(() => {
    const byId = new Map(sky.bodies.map(({ id, place }) => [id, place]));
    const around = Map.groupBy(sky.sparks, ({ bodyId }) => bodyId);
    return [...around].flatMap(([bodyId, sparks]) => {
      const place = byId.get(bodyId);
      return place === undefined
        ? []
        : sparks.map(({ status }, index) => ({ place: orbit(place, index, sparks.length), colour: paint(sparkColour(status)) }));
    });
  }, [sky]);
  return <Dots places={drawn.map(({ place }) => place)} colours={drawn.map(({ colour }) => colour)} size={0.05} />;
}

interface DotsProps {
  readonly places: readonly Body["place"][];
  readonly colours: readonly string[];
  readonly size: number;
  /** A shine around bodies instead of bodies. */
  readonly glow?: boolean;
  readonly onPointerMove?: (event: ThreeEvent<globalThis.PointerEvent>) => void;
  readonly onPointerOut?: () => void;
  readonly onClick?: (event: ThreeEvent<MouseEvent>) => void;
}

/** Many spheres in one draw call. */
function Dots({ places, colours, size, glow = false, ...handlers }: DotsProps): ReactNode {
  const mesh = useRef<InstancedMesh>(null);
  const invalidate = useThree((state) => state.invalidate);
  useEffect(() => {
    const dots = mesh.current;
    if (dots === null) return;
    const at = new Object3D();
    places.forEach((place, index) => {
      at.position.set(...place);
      at.updateMatrix();
      dots.setMatrixAt(index, at.matrix);
      dots.setColorAt(index, new Color(colours[index]));
    });
    dots.instanceMatrix.needsUpdate = true;
    if (dots.instanceColor !== null) dots.instanceColor.needsUpdate = true;
    dots.computeBoundingSphere();
    invalidate();
  }, [places, colours, invalidate]);
  if (places.length === 0) return null;
  return (
    <instancedMesh key={places.length} ref={mesh} args={[undefined, undefined, places.length]} {...handlers}>
      <sphereGeometry args={[size, 20, 16]} />
      <meshBasicMaterial toneMapped={false} transparent={glow} opacity={glow ? 0.18 : 1} depthWrite={!glow} />
    </instancedMesh>
  );
}

function Ties({ sky }: { readonly sky: Sky }): ReactNode {
  const lines = useMemo(() => {
    const byId = new Map(sky.bodies.map(({ id, place }) => [id, place]));
    const points = sky.ties.flatMap(([from, to]) => [...(byId.get(from) ?? []), ...(byId.get(to) ?? [])]);
    return new BufferGeometry().setAttribute("position", new Float32BufferAttribute(points, 3));
  }, [sky]);
  useEffect(() => () => lines.dispose(), [lines]);
  return (
    <lineSegments geometry={lines}>
      <lineBasicMaterial color={paint("var(--line-strong)")} transparent opacity={0.45} />
    </lineSegments>
  );
}

/** The names of bodies, drawn once each; tools have theirs when they are pointed at. */
function Names({ bodies }: { readonly bodies: readonly Body[] }): ReactNode {
  const named = useMemo(
    () => bodies.filter(({ kind }) => kind !== "tool").map((body) => ({ body, texture: nameTexture(body.name) })),
    [bodies],
  );
  const invalidate = useThree((state) => state.invalidate);
  useEffect(() => {
    invalidate();
    return () => {
      for (const { texture } of named) texture.dispose();
    };
  }, [named, invalidate]);
  return named.map(({ body: { id, place }, texture }) => (
    <sprite key={id} position={[place[0], place[1] - 0.36, place[2]]} scale={[3.2, 0.4, 1]}>
      <spriteMaterial map={texture} transparent depthTest={false} toneMapped={false} />
    </sprite>
  ));
}

const NAME_LENGTH_MAX = 22;

function nameTexture(name: string): CanvasTexture {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [512, 64];
  const context = canvas.getContext("2d");
  if (context !== null) {
    context.font = "500 34px Inter Variable, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = paint("var(--ink-2)");
    context.fillText(name.length > NAME_LENGTH_MAX ? `${name.slice(0, NAME_LENGTH_MAX - 1)}…` : name, 256, 32);
  }
  return new CanvasTexture(canvas);
}

/** Tutti itself, in the middle. */
function Hub(): ReactNode {
  return (
    <mesh>
      <icosahedronGeometry args={[0.55, 1]} />
      <meshBasicMaterial color={paint("var(--blue)")} wireframe toneMapped={false} transparent opacity={0.7} />
    </mesh>
  );
}

/** A token's colour as it is on the page now. */
function paint(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable.slice("var(".length, -1)).trim();
}
