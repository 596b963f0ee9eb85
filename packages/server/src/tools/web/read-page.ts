import { parentPort, workerData } from "node:worker_threads";
import { Readability } from "@mozilla/readability";
import { parseHTML } from "linkedom";
import type { Page, PageSource } from "./page.ts";

/** Beyond this a page is no article, and looking for one takes too long. */
const ELEMENTS_MAX = 20_000;
const LINK_TEXT_CHARACTERS_MAX = 200;
const LINKS_MAX = 200;

const BLOCKS = new Set(
  "ADDRESS ARTICLE ASIDE BLOCKQUOTE DIV DL FIGCAPTION FIGURE FOOTER FORM H1 H2 H3 H4 H5 H6 HEADER HR MAIN NAV OL P PRE SECTION TABLE UL".split(
    " ",
  ),
);
const LINES = new Set(["LI", "TR", "DT", "DD", "BR"]);
const UNREAD = new Set(["SCRIPT", "STYLE", "NOSCRIPT", "TEMPLATE", "SVG", "IFRAME", "OBJECT", "HEAD"]);

/** As much of a document as is read here; the server is compiled without the browser's types. */
interface DomNode {
  readonly nodeType: number;
  readonly nodeName: string;
  readonly textContent: string | null;
  readonly childNodes: Iterable<DomNode>;
}
interface DomElement extends DomNode {
  getAttribute(name: string): string | null;
  querySelector(selector: string): DomElement | null;
  querySelectorAll(selector: string): Iterable<DomElement> & { readonly length: number };
}
interface DomDocument extends DomElement {
  readonly body: DomElement;
}

function readPage({ html, url }: PageSource): Page {
  const { document } = parseHTML(wholeDocument(html)) as unknown as { readonly document: DomDocument };
  const base = URL.parse(document.querySelector("base")?.getAttribute("href") ?? "", url)?.href ?? url;
  const title = clean(document.querySelector("title")?.textContent);
  const whole = document.body;
  const plain = { title, byline: null, text: textOf(whole), links: linksOf(whole, base) };
  if (document.querySelectorAll("*").length > ELEMENTS_MAX) return plain;
  const article = new Readability<DomElement>(document as never, {
    serializer: (node) => node as unknown as DomElement,
    maxElemsToParse: ELEMENTS_MAX,
    disableJSONLD: true,
  }).parse();
  if (article?.content === null || article?.content === undefined) return plain;
  return {
    title: clean(article.title) || title,
    byline: clean(article.byline) || null,
    text: textOf(article.content),
    links: linksOf(article.content, base),
  };
}

/** The parser takes a text as it stands: a fragment would be a document without a body. */
function wholeDocument(html: string): string {
  return /<html[\s>]/i.test(html) && /<body[\s>]/i.test(html) ? html : `<!doctype html><html><body>${html}</body></html>`;
}

/** What people would read, a line for each block. */
function textOf(root: DomNode): string {
  const parts: string[] = [];
  const visit = (node: DomNode): void => {
    if (node.nodeType === 3) parts.push((node.textContent ?? "").replaceAll(/\s+/g, " "));
    if (node.nodeType !== 1 || UNREAD.has(node.nodeName.toUpperCase())) return;
    const name = node.nodeName.toUpperCase();
    if (name === "PRE") return void parts.push(`\n${node.textContent ?? ""}\n`);
    const isBlock = BLOCKS.has(name);
    if (isBlock || LINES.has(name)) parts.push("\n");
    if (name === "LI") parts.push("- ");
    if (/^H[1-6]$/.test(name)) parts.push(`${"#".repeat(Number(name[1]))} `);
    for (const child of node.childNodes) visit(child);
    if (name === "TD" || name === "TH") parts.push("\t");
    if (isBlock) parts.push("\n");
  };
  visit(root);
  return parts
    .join("")
    .replaceAll(/[ \t]+\n/g, "\n")
    .replaceAll(/\n (?=\S)/g, "\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim();
}

function linksOf(root: DomElement, base: string): Page["links"] {
  const links = new Map<string, string>();
  for (const anchor of root.querySelectorAll("a[href]")) {
    const url = URL.parse(anchor.getAttribute("href") ?? "", base);
    if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) continue;
    url.hash = "";
    if (!links.has(url.href)) links.set(url.href, clean(anchor.textContent).slice(0, LINK_TEXT_CHARACTERS_MAX));
    if (links.size >= LINKS_MAX) break;
  }
  return [...links].map(([href, text]) => ({ url: href, text }));
}

function clean(text: string | null | undefined): string {
  return (text ?? "").replaceAll(/\s+/g, " ").trim();
}

parentPort?.postMessage(readPage(workerData as PageSource));
