import { useState } from "react";
import { idOf } from "./draw-text.ts";
import { existingScope, offsetOf, placeAt, type Place } from "./graph-text.ts";
import type { GraphTextEditing } from "./use-graph-text.ts";

/** What is selected, in the picture and in the text alike. */
export interface Selection {
  readonly place: Place;
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
  const [reveal, setReveal] = useState<{ readonly offset: number }>();
  const scope = existingScope(root, chosen.scope);
  const place = scope.length === chosen.scope.length ? chosen : { scope, selected: undefined };
  return {
    place,
    reveal,
    select(next) {
      setChosen(next);
      const offset = reading.ok ? offsetOf(reading.document, next) : undefined;
      if (offset !== undefined) setReveal({ offset });
    },
    selectAt(offset) {
      if (!reading.ok) return;
      const next = placeAt(reading.document, offset);
      if (idOf(next) !== idOf(place)) setChosen(next);
    },
  };
}
