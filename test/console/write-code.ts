import type { Locator, Page } from "playwright-core";

/** What the page does to paste a text where the keyboard is, also within shadow roots. */
const paste = (text: string): string => `(() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", ${JSON.stringify(text)});
  element.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
})()`;

/** Puts a text in the place of all that stands in a code editor, as pasting does. */
export async function writeCode(page: Page, editor: Locator, text: string): Promise<void> {
  await editor.click();
  await page.keyboard.press("Control+A");
  await page.evaluate(paste(text));
}
