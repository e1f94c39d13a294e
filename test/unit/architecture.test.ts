import { expect, test } from 'vitest';
import { describePath, findImportCycles, readImportGraph } from '../kit/import-graph.ts';

/** From top to bottom. A module (folder or file) imports only lower layers: not its own layer, not a higher one. */
const POLLER_LAYERS = [
  ['handler.ts'],
  ['aws/'],
  ['drain/'],
  ['operations/'],
  ['poller-options.ts'],
  ['channels/channels.ts'],
  ['channels/statements/', 'channels/own-streams/', 'channels/search/', 'channels/garbage/'],
  // The contract, `channel.ts`, and what several channels share.
  ['channels/'],
  ['settlement/'],
  ['lanes/'],
  ['ledger/'],
  ['redis/'],
  ['budget.ts', 'failpoints.ts'],
].map((layer) => layer.map((module) => `functions/poller/${module}`));

const POLLER_MODULES = POLLER_LAYERS.flat();

/** What each part of the project imports from other parts. */
const PARTS = new Map([
  ['shared/', []],
  ['functions/poller/', ['shared/']],
  ['functions/sql-executor/', ['shared/']],
  ['cli/', ['functions/', 'shared/']],
  // The stack checks the bindings of own streams before it deploys them.
  ['infra/', ['shared/', 'functions/poller/channels/own-streams/binding.ts']],
  ['infra/local/', ['cli/', 'shared/']],
  ['infra/localstack/', ['infra/local/', 'cli/', 'shared/']],
  ['examples/', ['infra/local/', 'shared/']],
]);

/** Only the executor opens MySQL connections, and only the poller opens Redis connections. */
const FORBIDDEN_PACKAGES = new Map([
  ['shared/', ['node_modules/mysql2', 'node_modules/ioredis']],
  ['functions/poller/', ['node_modules/mysql2']],
  ['functions/sql-executor/', ['node_modules/ioredis']],
]);

const graph = readImportGraph(['functions', 'shared', 'cli', 'infra', 'examples']);

test('every file of the poller belongs to a layer', () => {
  const files = [...graph.keys()].filter((file) => file.startsWith('functions/poller/'));
  expect(files.filter((file) => longestPrefix(file, POLLER_MODULES) === undefined)).toEqual([]);
});

test('the modules of the poller import only lower layers', () => {
  const violations = importsWhere((file, target) => {
    const module = longestPrefix(file, POLLER_MODULES);
    const targetModule = longestPrefix(target, POLLER_MODULES);
    if (module === undefined || targetModule === undefined || module === targetModule) return false;
    return layerOf(module) >= layerOf(targetModule);
  });
  expect(violations).toEqual([]);
});

test('each part of the project imports only the parts that it builds on', () => {
  const violations = importsWhere((file, target) => {
    const part = longestPrefix(file, PARTS.keys()) ?? '';
    if (longestPrefix(target, PARTS.keys()) === part) return false;
    const allowed = PARTS.get(part) ?? [];
    return longestPrefix(target, ['node_modules/', ...allowed]) === undefined;
  });
  expect(violations).toEqual([]);
});

test('neither function imports the client of a database that it does not use', () => {
  const violations = importsWhere((file, target) => {
    const part = longestPrefix(file, FORBIDDEN_PACKAGES.keys()) ?? '';
    return longestPrefix(target, FORBIDDEN_PACKAGES.get(part) ?? []) !== undefined;
  });
  expect(violations).toEqual([]);
});

test('no files import each other in a cycle', () => {
  expect(findImportCycles(graph)).toEqual([]);
});

function importsWhere(isViolation: (file: string, target: string) => boolean): string[] {
  return [...graph].flatMap(([file, targets]) =>
    targets.filter((target) => isViolation(file, target)).map((target) => describePath([file, target])),
  );
}

/** The index of the layer, counted from the top. */
function layerOf(module: string): number {
  return POLLER_LAYERS.findIndex((layer) => layer.includes(module));
}

function longestPrefix(path: string, prefixes: Iterable<string>): string | undefined {
  const matching = [...prefixes].filter((prefix) => path.startsWith(prefix));
  return matching.sort((a, b) => b.length - a.length)[0];
}
