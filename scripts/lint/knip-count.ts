/** What knip hands to a preprocessor, as far as it matters here. */
interface Results {
  readonly counters: { readonly processed: number };
}

// knip asks for a default export. It says what it found but not how much it read, and a checker that reads nothing finds nothing.
export default function count(results: Results): Results {
  console.log(`knip read ${results.counters.processed} files`);
  return results;
}
