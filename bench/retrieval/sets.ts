import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Documents, and questions with the places of the documents that answer them. */
export interface RetrievalSet {
  readonly name: string;
  readonly documents: readonly string[];
  readonly questions: readonly { readonly text: string; readonly relevant: ReadonlySet<number> }[];
}

/** What was measured on; README.md says where each is from. */
const SHA256: Readonly<Record<string, string>> = {
  "cran.all.1400.xml": "369eb64e59d855b62463832f1338f471cede578571ee7fb33e3592a2a138ff47",
  "cran.qry.xml": "b609a59e980857ba59d098f33433822a5c200bcf6836a320babf2b1a5e7545eb",
  "cranqrel.trec.txt": "98a13b4913d61a02690725aee7ac4f6a1979c13fc9088ad9b4a81be58b1a6f11",
  "test.csv": "5aaf688f8c79a0eab96c77dcc8919e82006169712a799aa97343588000769288",
};

/** Reads both sets from a folder that holds their files. */
export async function readSets(folder: string): Promise<readonly RetrievalSet[]> {
  const read = async (name: string): Promise<string> => {
    const bytes = await readFile(join(folder, name));
    const hash = createHash("sha256").update(bytes).digest("hex");
    if (hash !== SHA256[name]) throw new Error(`wanted ${name} with the SHA-256 ${SHA256[name]}, got ${hash}; see README.md`);
    return bytes.toString("utf8");
  };
  return [
    cranfield({
      documents: await read("cran.all.1400.xml"),
      questions: await read("cran.qry.xml"),
      judgements: await read("cranqrel.trec.txt"),
    }),
    trecQuestions(await read("test.csv")),
  ];
}

/** Judgements name questions by their place, not by their number, and -1 and 0 mean "not relevant". */
function cranfield(files: { readonly documents: string; readonly questions: string; readonly judgements: string }): RetrievalSet {
  const documents = [...files.documents.matchAll(/<doc>\s*<docno>(\d+)<\/docno>[^]*?<text>([^]*?)<\/text>\s*<\/doc>/g)];
  const places = new Map(documents.map(([, id], index) => [id ?? "", index]));
  const relevant = new Map<number, Set<number>>();
  for (const line of files.judgements.split("\n")) {
    const [question, , document, grade] = line.trim().split(/\s+/);
    const place = places.get(document ?? "");
    if (place === undefined || Number(grade) < 1) continue;
    const set = relevant.get(Number(question)) ?? new Set();
    relevant.set(Number(question), set.add(place));
  }
  const questions = [...files.questions.matchAll(/<title>([^]*?)<\/title>/g)].map(([, text = ""], index) => ({
    text: text.trim(),
    relevant: relevant.get(index + 1) ?? new Set<number>(),
  }));
  return {
    name: `Cranfield, ${documents.length.toLocaleString("en")} abstracts`,
    documents: documents.map(([, , text = ""]) => text.trim()),
    questions: questions.filter((question) => question.relevant.size > 0),
  };
}

/** All sentences of all questions are one pool; those without an answer in it are left out. */
function trecQuestions(csv: string): RetrievalSet {
  const lines = csv.trim().split(/\r?\n/).slice(1).map(fieldsOf);
  const documents = [...new Set(lines.map(([, , sentence = ""]) => sentence))];
  const places = new Map(documents.map((sentence, index) => [sentence, index]));
  const questions = new Map<string, Set<number>>();
  for (const [question = "", label, sentence = ""] of lines) {
    const relevant = questions.get(question) ?? new Set();
    questions.set(question, relevant);
    if (label === "1") relevant.add(places.get(sentence) ?? -1);
  }
  const asked = [...questions].map(([text, relevant]) => ({ text, relevant })).filter(({ relevant }) => relevant.size > 0);
  return { name: `TREC questions, ${documents.length.toLocaleString("en")} sentences`, documents, questions: asked };
}

/** RFC 4180, in one line. */
function fieldsOf(line: string): readonly string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "",
  );
}
