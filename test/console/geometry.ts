/** What is wrong with how a page lies on the screen, as its boxes are, not as its style sheet says. */
import type { Page } from "playwright-core";

/**
 * Run in the page. A thing that reaches out of the window, or out of a box that hides what does not fit, cannot be read or pressed, unless
 * what is around it can be scrolled. A thing on which another thing lies cannot be pressed either.
 */
const LAYOUT = `(() => {
  const wrong = [];
  const tell = (node) => node.localName + (node.id ? "#" + node.id : "") + " " + JSON.stringify((node.getAttribute("aria-label") || node.innerText || node.textContent || "").trim().slice(0, 60)) + " " + String(node.className?.baseVal ?? node.className ?? "").slice(0, 60);
  const width = document.documentElement.clientWidth;
  const root = document.scrollingElement;
  if (root.scrollWidth > width) wrong.push("the page scrolls sideways: " + root.scrollWidth + " in " + width);
  const main = document.querySelector("main");
  if (main.scrollWidth > main.clientWidth) wrong.push("its content scrolls sideways: " + main.scrollWidth + " in " + main.clientWidth);
  const shows = (node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true });
  const scrolls = (node, axis) => /auto|scroll/.test(getComputedStyle(node)[axis === "x" ? "overflowX" : "overflowY"]) && node !== main;
  const isHeld = (node) => node.closest(".react-flow, .cm-editor, [data-testid=minimap], svg, canvas, .sr-only") !== null;
  const box = (node) => node.getBoundingClientRect();
  const around = function* (node) { for (let at = node.parentElement; at; at = at.parentElement) yield at; };
  const things = [...document.querySelectorAll("a[href],button,input,select,textarea,summary,[role=tab],[role=button],h1,h2,h3,th,td,dd,dt,p,li,label")].filter((node) => shows(node) && !isHeld(node));
  for (const node of things) {
    const { left, right, width: wide, height } = box(node);
    if (wide < 1 || height < 1) continue;
    let isScrolled = false;
    for (const at of around(node)) {
      if (at === document.body) break;
      if (scrolls(at, "x")) { isScrolled = true; break; }
      const style = getComputedStyle(at);
      if (!/hidden|clip/.test(style.overflowX) || style.textOverflow === "ellipsis") continue;
      const outer = box(at);
      if (left < outer.left - 2 || right > outer.right + 2) wrong.push("cut off: " + tell(node) + " within " + tell(at));
    }
    if (!isScrolled && (left < -1 || right > width + 1)) wrong.push("reaches out of the window: " + tell(node) + " " + Math.round(left) + " to " + Math.round(right));
    const style = getComputedStyle(node);
    if (/hidden|clip/.test(style.overflowX) && style.textOverflow !== "ellipsis" && node.scrollWidth > node.clientWidth + 2 && node.matches("button,a,h1,h2,h3,label")) wrong.push("its words do not fit: " + tell(node));
    if (node.scrollWidth > node.clientWidth + 2 && style.overflowX === "visible" && style.display !== "inline" && node.matches("button,td,th,h1,h2,h3,p,label,dd,dt") && ![...around(node)].some((at) => scrolls(at, "x"))) wrong.push("its words run over its edge: " + tell(node));
  }
  const pressed = things.filter((node) => node.matches("a[href],button,input,select,textarea,summary,[role=tab],[role=button]") && !node.disabled);
  for (const node of pressed) {
    const { left, right, top, bottom } = box(node);
    const x = (left + right) / 2, y = (top + bottom) / 2;
    if (right - left < 1 || x < 0 || x >= width || y < 0 || y >= innerHeight) continue;
    const hidden = [...around(node)].some((at) => { const outer = box(at); return (scrolls(at, "x") || scrolls(at, "y") || at === main) && (x < outer.left || x > outer.right || y < outer.top || y > outer.bottom); });
    if (hidden) continue;
    const on = document.elementFromPoint(x, y);
    if (on !== null && !node.contains(on) && !on.contains(node) && on.closest("label")?.control !== node) wrong.push("lies under another: " + tell(node) + " under " + tell(on));
  }
  return [...new Set(wrong)].slice(0, 12);
})()`;

/** Empty when everything can be read and pressed. */
export async function misplaced(page: Page): Promise<readonly string[]> {
  return page.evaluate<readonly string[]>(LAYOUT);
}

/** Run in the page when it is read from right to left. */
const MIRRORED = `(() => {
  const wrong = [];
  const width = document.documentElement.clientWidth;
  const nav = document.querySelector("nav[aria-label=Pages]").getBoundingClientRect();
  if (Math.round(nav.right) !== width || nav.left < width / 2) wrong.push("the navigation is not on the right: " + nav.left + " to " + nav.right);
  const title = document.querySelector("h1");
  const words = document.createRange();
  words.selectNodeContents(title);
  const head = title.getBoundingClientRect();
  if (words.getBoundingClientRect().right < (head.left + head.right) / 2 && head.width > 300) wrong.push("the title does not begin on the right");
  const letters = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  const place = document.createRange();
  for (let text = letters.nextNode(); text; text = letters.nextNode()) {
    const figure = /[0-9][ \u00a0]?[a-zA-Z%]/.exec(text.data);
    if (figure === null || text.parentElement.closest(".sr-only, svg, .uplot, .cm-editor, option") || !text.parentElement.checkVisibility()) continue;
    const boxOf = (at) => (place.setStart(text, at), place.setEnd(text, at + 1), place.getBoundingClientRect());
    const [digit, unit] = [boxOf(figure.index), boxOf(figure.index + figure[0].length - 1)];
    if (digit.top === unit.top && digit.left > unit.left) wrong.push("a figure reads backwards: " + text.data.slice(0, 60));
  }
  const isFlipped = (node) => {
    for (let at = node; at && at !== document.body; at = at.parentElement) {
      const { transform, scale } = getComputedStyle(at);
      if (/^matrix\\(-/.test(transform) || /^-1/.test(scale)) return true;
    }
    return false;
  };
  for (const icon of document.querySelectorAll("svg[class*='lucide-arrow-left'],svg[class*='lucide-arrow-right'],svg[class*='lucide-chevron-left'],svg[class*='lucide-chevron-right'],svg[class*='lucide-send']")) {
    const { rotate, transform } = getComputedStyle(icon);
    const isSideways = !icon.classList.contains("lucide-arrow-left-right") && (rotate === "none" || rotate === "0deg") && !/matrix\\(0/.test(transform);
    if (isSideways && icon.checkVisibility() && !isFlipped(icon)) wrong.push("points the wrong way: " + icon.getAttribute("class") + " in " + (icon.closest("button,a,summary")?.innerText ?? "").slice(0, 40));
  }
  return [...new Set(wrong)];
})()`;

/** Empty when a page that is read from right to left begins on the right, and its arrows point where they lead. */
export async function notMirrored(page: Page): Promise<readonly string[]> {
  return page.evaluate<readonly string[]>(MIRRORED);
}
