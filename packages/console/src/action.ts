import { useMutation, type MutateOptions, type UseMutationOptions, type UseMutationResult } from "@tanstack/react-query";
import { useCallback, useRef } from "react";

type Act<T, V, C> = (wish: V, ways?: MutateOptions<T, Error, V, C>) => void;

/** An action of a page, and how it stands. */
export type Action<T, V, C> = Omit<UseMutationResult<T, Error, V, C>, "mutate" | "mutateAsync"> & { readonly mutate: Act<T, V, C> };

/**
 * What a page does when somebody asks. Who asks for the same again while it is under way gets it once: a second click or Enter can come
 * before the page is drawn anew with its button at rest.
 */
export function useAction<T, V = void, C = unknown>(options: UseMutationOptions<T, Error, V, C>): Action<T, V, C> {
  const mutation = useMutation(options);
  const underWay = useRef<{ readonly wish: V }>(undefined);
  // Its own type has another shape for each kind of wish.
  const act = mutation.mutate as Act<T, V, C>;
  const mutate: Act<T, V, C> = useCallback(
    (wish, ways) => {
      if (underWay.current !== undefined && Object.is(underWay.current.wish, wish)) return;
      const asked = { wish };
      underWay.current = asked;
      act(wish, {
        ...ways,
        onSettled(...told) {
          if (underWay.current === asked) underWay.current = undefined;
          ways?.onSettled?.(...told);
        },
      });
    },
    [act],
  );
  return { ...mutation, mutate };
}
