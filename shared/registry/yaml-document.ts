import { type Document, type ErrorCode, isNode, LineCounter, parseDocument, type YAMLError } from 'yaml';
import { RegistryError, type RegistryProblem } from './problems.ts';

/** Parsed YAML that still knows the lines of its values. */
export interface YamlDocument {
  readonly value: unknown;
  /** Line number of a value, from 1, or of the innermost enclosing value that has one. */
  lineOf(path: readonly string[]): number | undefined;
}

const NEXT_STEP = "Correct the file. It is the YAML that BeeORM's InitByYaml reads.";

/**
 * Maximum number of values that aliases may expand to: enough for every registry, too few for a "billion laughs" file.
 */
const MAX_ALIAS_COUNT = 100;

/** @throws RegistryError if the text is not a single YAML document */
export function parseYaml(text: string, source: string): YamlDocument {
  const lineCounter = new LineCounter();
  try {
    // BeeORM applications parse YAML 1.1, which has merge keys (`<<`). `prettyErrors` would quote the file, including
    // its passwords.
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
    // The library throws only while it expands aliases.
    const found =
      error instanceof ReferenceError
        ? 'an alias (*name) without an anchor (&name), or with too much content'
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
    FOUND_BY_ERROR_CODE[error.code] ?? `not YAML (${error.code.toLowerCase().replaceAll('_', ' ')})`;
  return { path: '', line: lineCounter.linePos(error.pos[0]).line, found, expected: 'valid YAML' };
}

/** Descriptions without quotes. The library's own messages may quote the line, and with it a password. */
const FOUND_BY_ERROR_CODE: Partial<Record<ErrorCode, string>> = {
  TAB_AS_INDENT: 'indentation with a tab instead of spaces',
  DUPLICATE_KEY: 'a key that already exists in the same map',
  BAD_INDENT: 'a line whose indentation differs from the lines around it',
  BAD_ALIAS: 'a * or & that YAML reads as an alias or anchor (put the text in quotes)',
  BAD_SCALAR_START: 'text that begins with a character that has a meaning in YAML (put it in quotes)',
  BLOCK_AS_IMPLICIT_KEY: 'a second "key: value" on one line',
  MISSING_CHAR: 'a missing quote, colon, comma, dash or space',
  MULTIPLE_DOCS: 'a second document after ---',
  UNEXPECTED_TOKEN: 'unexpected text',
};
