import { useState } from "react";
import { idOf } from "./draw-text.ts";
import { bodyAt, existingScope, offsetOf, placeAt, type Place } from "./graph-text.ts";
import { nodesChosen, toggled } from "./several.ts";
import type { GraphTextEditing } from "./use-graph-text.ts";

/** What is selected, in the picture and in the text alike. */
export interface Selection {
  readonly place: Place;
  /** The ids of all selected nodes, which stand in one body; those besides `place` are only moved about together. */
  readonly nodes: readonly string[];
  /** Selects a node besides what is selected, or no more. */
  readonly toggle: (place: Place) => void;
  /** Selects all nodes of the body that somebody is in. */
  readonly selectAll: () => void;
  /** Selects, and brings it into sight in the text. */
  readonly select: (place: Place) => void;
  /** Selects what stands at a place of the text. */
  readonly selectAt: (offset: number) => void;
  readonly reveal: { readonly offset: number } | undefined;
}

const NOTHING: Place = { scope: [], selected: undefined };

/** Holds what is selected; what is not there any more is selected no more. */
export function useSelection({ reading, root }: GraphTextEditing): Selection {
  const [chosen, setChosen] = useState<Place>(NOTHING);
  const [also, setAlso] = useState<readonly string[]>([]);
  const [reveal, setReveal] = useState<{ readonly offset: number }>();
  const scope = existingScope(root, chosen.scope);
  const place = scope.length === chosen.scope.length ? chosen : { scope, selected: undefined };
  const nodes = nodesChosen(bodyAt(root, scope), place, also);
  const choose = (next: Place, others: readonly string[]): void => {
    setChosen(next);
    setAlso(others);
  };
  return {
    place,
    nodes,
    reveal,
    toggle(next) {
      const { place: now, also: others } = toggled({ place, also }, next);
      choose(now, others);
    },
    selectAll() {
      const [first, ...others] = bodyAt(root, scope).nodes.map(({ id }) => id);
      if (first !== undefined) choose({ scope, selected: { node: first } }, others);
    },
    select(next) {
      choose(next, []);
      const offset = reading.ok ? offsetOf(reading.document, next) : undefined;
      if (offset !== undefined) setReveal({ offset });
    },
    selectAt(offset) {
      if (!reading.ok) return;
      const next = placeAt(reading.document, offset);
      if (idOf(next) !== idOf(place)) choose(next, []);
    },
  };
}
