import { readFileSync } from 'node:fs';
import { ArnFormat, type Stack } from 'aws-cdk-lib';
import { parse } from 'yaml';
import * as z from 'zod';
import { channelNameOf, parseBindings } from '../../functions/poller/own-streams/binding.ts';
import type { Registry } from '../../shared/registry/types.ts';
import { parseSearchSettings, type SearchSettings } from '../../shared/search/search-settings.ts';
import { propsError } from './problems.ts';

/** What the poller is told of channels that have a file of their own. */
export interface ChannelFiles {
  /** As they stand in the file, checked: the environment of a function is small, so defaults are left out. */
  readonly bindings: readonly unknown[];
  readonly search: SearchSettings;
  /** Of the streams that are bound, by the names under which the poller measures them. */
  readonly boundChannels: readonly string[];
  /** Names or ARNs of the functions that streams are bound to. */
  readonly boundFunctions: readonly string[];
}

/** @throws ConfigurationError that names the file and the place in it */
export function readChannelFiles(
  { bindings, searchMapping }: { readonly bindings?: string; readonly searchMapping?: string },
  registry: Registry,
): ChannelFiles {
  const bound = bindings === undefined ? NOTHING_BOUND : readBindings(bindings, registry);
  const search =
    searchMapping === undefined ? {} : parseSearchSettings(readYaml(searchMapping), searchMapping);
  return { ...bound, search };
}

const NOTHING_BOUND = { bindings: [], boundChannels: [], boundFunctions: [] };

function readBindings(path: string, registry: Registry): Omit<ChannelFiles, 'search'> {
  const value = readYaml(path);
  const parsed = parseBindings(value, path, registry);
  const boundFunctions = parsed.map(({ handler }, index) => {
    if (handler.kind === 'lambda') return handler.functionName;
    const problem = 'is a module, which runs on one machine only';
    throw propsError(`bindings[${index}].handler`, problem, 'Bind a Lambda function.');
  });
  const { bindings } = z.object({ bindings: z.array(z.unknown()) }).parse(value);
  return { bindings, boundChannels: parsed.map(channelNameOf), boundFunctions };
}

function readYaml(path: string): unknown {
  return parse(readFileSync(path, 'utf8'));
}

export function functionArn(stack: Stack, nameOrArn: string): string {
  if (nameOrArn.startsWith('arn:')) return nameOrArn;
  return stack.formatArn({
    service: 'lambda',
    resource: 'function',
    resourceName: nameOrArn,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}
