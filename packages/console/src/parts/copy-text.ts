import { AppError } from "@tutti/core";

/** Puts a text on the clipboard. Browsers have one for pages over HTTPS and of the same machine only. */
export async function copyText(text: string): Promise<void> {
  const { clipboard } = navigator as { readonly clipboard?: Clipboard };
  if (clipboard === undefined)
    throw new AppError(
      "unsupported",
      "wanted the clipboard, got a browser that gives it to no page over plain HTTP; open the console over HTTPS, or copy by hand",
    );
  await clipboard.writeText(text);
}
