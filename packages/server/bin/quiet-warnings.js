// Early releases of Node 24 call two parts experimental that Tutti rests on. Later ones do not; every other warning stays.
const known = ["SQLite is an experimental feature", "Type Stripping is an experimental feature"];

/** Keeps the two known warnings off the terminal, in this thread. */
export function quietWarnings() {
  const emit = process.emitWarning.bind(process);
  process.emitWarning = (warning, ...rest) => {
    if (!known.some((start) => String(warning).startsWith(start))) emit(warning, ...rest);
  };
}
