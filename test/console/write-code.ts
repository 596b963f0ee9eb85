import type { Locator, Page } from "playwright-core";

/** Runs in the page. */
const PASTE = `(element, text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  element.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}`;

/** Puts a text in the place of all that stands in a code editor, as pasting does. */
export async function writeCode(page: Page, editor: Locator, text: string): Promise<void> {
  await editor.click();
  await page.keyboard.press("Control+A");
  await editor.evaluate(PASTE, text);
}
