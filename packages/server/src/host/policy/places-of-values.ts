/**
 * The parts of a path, without `.`, `..` and doubled slashes. `undefined` when they cannot be told: NUL, a home folder, a drive, backslashes,
 * which some systems take for slashes, and a relative path that goes up from where it begins.
 */
function partsOf(path: string): readonly string[] | undefined {
  if (path === "" || /[\0\\]|^~|^[A-Za-z]:/.test(path)) return undefined;
  const parts: string[] = [];
  for (const part of path.normalize("NFC").split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined && !path.startsWith("/")) return undefined;
  }
  return parts;
}

/**
 * Whether a path lies in a folder, or is it. Relative ones count from where the tool works, which is the same for both; of a relative and an
 * absolute one it cannot be told. Links are not followed: that is for whoever opens the file.
 */
export function isWithin(path: string, folder: string): boolean | undefined {
  const [parts, root] = [partsOf(path), partsOf(folder)];
  if (parts === undefined || root === undefined || path.startsWith("/") !== folder.startsWith("/")) return undefined;
  return root.every((part, index) => parts[index] === part);
}

/** The host of an http or https URL, in lower case and without the dot at its end; `undefined` when it is no such URL. */
export function hostOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return undefined;
  return plainHost(url.hostname);
}

/** A host as URLs name it. */
export function plainHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}
