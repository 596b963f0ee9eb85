/** How the tests of a program went. */
export interface TestReport {
  readonly ran: number;
  readonly failed: number;
}

/**
 * The program that runs the tests beside it and tells how they went on a last line that begins with the mark. The tests' own report goes to
 * stderr. What is tested could print such a line, too: it comes from the same hand as the tests, so that proves nothing either way.
 */
export function testProgram(mark: string): string {
  return [
    "import json, sys, unittest",
    "sys.path.insert(0, '.')",
    "suite = unittest.defaultTestLoader.loadTestsFromName('test_solution')",
    "result = unittest.TextTestRunner(stream=sys.stderr, verbosity=2).run(suite)",
    "failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)",
    `sys.stdout.write('\\n${mark} ' + json.dumps({'ran': result.testsRun, 'failed': failed}) + '\\n')`,
    "sys.stdout.flush()",
    "sys.exit(0 if failed == 0 and result.testsRun > 0 else 1)",
  ].join("\n");
}

/** What the program told of its tests, and what it printed beside that. */
export function reportOf(stdout: string, mark: string): { readonly stdout: string; readonly report: TestReport | undefined } {
  const at = stdout.lastIndexOf(`\n${mark} `);
  if (at === -1) return { stdout, report: undefined };
  const found = /^\{"ran": (\d{1,9}), "failed": (\d{1,9})\}\s*$/.exec(stdout.slice(at + mark.length + 2));
  if (found === null) return { stdout, report: undefined };
  return { stdout: stdout.slice(0, at), report: { ran: Number(found[1]), failed: Number(found[2]) } };
}
