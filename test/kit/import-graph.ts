import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';

/** The imports of each source file, as paths relative to the project's root: `node_modules/NAME` for a package. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

const PROJECT_ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Static, dynamic and type-only imports, and re-exports. */
const IMPORT = /\b(?:from|import)\s*\(?\s*['"`]([^'"`]+)['"`]/g;

export function readImportGraph(folders: readonly string[]): ImportGraph {
  const patterns = folders.map((folder) => `${folder}/**/*.{ts,mjs}`);
  const files = globSync(patterns, { cwd: PROJECT_ROOT }).sort();
  return new Map(files.map((file) => [file, readImports(file)]));
}

function readImports(file: string): string[] {
  const source = readFileSync(join(PROJECT_ROOT, file), 'utf8');
  return [...source.matchAll(IMPORT)].map(([, specifier = '']) =>
    specifier.startsWith('.') ? join(dirname(file), specifier) : join('node_modules', specifier),
  );
}

/** One path per import that closes a cycle in a depth-first search: none exactly if there is no cycle. */
export function findImportCycles(graph: ImportGraph): string[] {
  const cycles: string[] = [];
  const path: string[] = [];
  const visited = new Set<string>();

  function visit(file: string): void {
    const index = path.indexOf(file);
    if (index >= 0) cycles.push(describePath([...path.slice(index), file]));
    if (visited.has(file)) return;
    visited.add(file);
    path.push(file);
    for (const target of graph.get(file) ?? []) visit(target);
    path.pop();
  }

  for (const file of graph.keys()) visit(file);
  return cycles;
}

export function describePath(files: readonly string[]): string {
  return files.join(' -> ');
}
