import { type Document, type ErrorCode, isNode, LineCounter, parseDocument, type YAMLError } from 'yaml';
import { RegistryError, type RegistryProblem } from './problems.ts';

/** Parsed YAML that still knows where its values stood. */
export interface YamlDocument {
  readonly value: unknown;
  /** Line of a value, counted from 1, or of the nearest one around it that has one. */
  lineOf(path: readonly string[]): number | undefined;
}

const NEXT_STEP = "Correct the file; it is the same YAML that BeeORM's InitByYaml reads.";

/** Aliases may stand for this many values: enough for any registry, and no room for a "billion laughs" file. */
const MAX_ALIAS_COUNT = 100;

/** @throws RegistryError where the text is not one YAML document. */
export function parseYaml(text: string, source: string): YamlDocument {
  const lineCounter = new LineCounter();
  try {
    // Merge keys (`<<`) are what the YAML 1.1 of BeeORM's applications reads. `prettyErrors` would quote the file, and
    // with it passwords.
    const document = parseDocument(text, {
      lineCounter,
      merge: true,
      prettyErrors: false,
      logLevel: 'error',
    });
    if (document.errors.length === 0) {
      const value: unknown = document.toJS({ maxAliasCount: MAX_ALIAS_COUNT });
      return { value, lineOf: (path) => lineOf(document, lineCounter, path) };
    }
    throw new RegistryError(
      source,
      document.errors.map((error) => problemOf(error, lineCounter)),
      NEXT_STEP,
    );
  } catch (error) {
    if (error instanceof RegistryError) throw error;
    // What the library throws it meets while it puts aliases in place.
    const found =
      error instanceof ReferenceError
        ? 'a file with an alias (*name) of nothing, or of too much'
        : 'unreadable';
    throw new RegistryError(source, [{ path: '', found, expected: 'valid YAML' }], NEXT_STEP);
  }
}

function lineOf(document: Document, lineCounter: LineCounter, path: readonly string[]): number | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lineCounter.linePos(node.range[0]).line;
  }
  return undefined;
}

function problemOf(error: YAMLError, lineCounter: LineCounter): RegistryProblem {
  const found =
    WHAT_STANDS_THERE[error.code] ?? `not YAML (${error.code.toLowerCase().replaceAll('_', ' ')})`;
  return { path: '', line: lineCounter.linePos(error.pos[0]).line, found, expected: 'valid YAML' };
}

/** In our own words, since the library's may quote the line, and with it a password. */
const WHAT_STANDS_THERE: Partial<Record<ErrorCode, string>> = {
  TAB_AS_INDENT: 'an indentation by tab in place of spaces',
  DUPLICATE_KEY: 'a key that already stands in the same map',
  BAD_INDENT: 'a line that is indented differently from its neighbours',
  BAD_ALIAS: 'a name after * or & that YAML takes for an alias or anchor',
  BAD_SCALAR_START: 'a text that begins with a character of its own meaning (put it in quotes)',
  BLOCK_AS_IMPLICIT_KEY: 'a second "key: value" on one line',
  MISSING_CHAR: 'a quote, colon, comma, dash or space missing',
  MULTIPLE_DOCS: 'a second document after ---',
  UNEXPECTED_TOKEN: 'something that does not belong there',
};
