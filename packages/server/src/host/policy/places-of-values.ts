/**
 * The folder or file that a path names, without `.`, `..` and doubled slashes. A relative path counts from `base`. `undefined` when that
 * cannot be told: NUL, a home folder, a drive, or backslashes, which some systems take for slashes.
 */
function normalPath(path: string, base: string): string | undefined {
  if (path === "" || /[\0\\]|^~|^[A-Za-z]:/.test(path)) return undefined;
  const steps: string[] = [];
  for (const step of (path.startsWith("/") ? path : `${base}/${path}`).normalize("NFC").split("/")) {
    if (step === "" || step === ".") continue;
    if (step === "..") steps.pop();
    else steps.push(step);
  }
  return `/${steps.join("/")}`;
}

/** Whether a path lies in a folder, or is it. Links are not followed: that is for whoever opens the file. */
export function isWithin(path: string, folder: string): boolean | undefined {
  const root = normalPath(folder, "/") ?? "/";
  const normal = normalPath(path, root);
  if (normal === undefined) return undefined;
  return root === "/" || normal === root || normal.startsWith(`${root}/`);
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
