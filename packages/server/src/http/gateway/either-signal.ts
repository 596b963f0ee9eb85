/** A signal that is aborted when one of two is; the first may not be there. Making one of two is dear, and most calls have only one. */
export function eitherSignal(first: AbortSignal | undefined, second: AbortSignal): AbortSignal {
  return first === undefined ? second : AbortSignal.any([first, second]);
}
