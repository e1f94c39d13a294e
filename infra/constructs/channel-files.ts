import { Annotations, ArnFormat, type Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import * as z from 'zod';
import { channelNameOf, parseBindings } from '../../functions/poller/channels/own-streams/binding.ts';
import { BINDINGS_FILE, readYamlFile, SEARCH_MAPPING_FILE } from '../../shared/read-yaml-file.ts';
import type { Registry } from '../../shared/registry/types.ts';
import { parseSearchSettings, type SearchSettings } from '../../shared/search-settings.ts';
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
    searchMapping === undefined
      ? {}
      : parseSearchSettings(readYamlFile(searchMapping, SEARCH_MAPPING_FILE) ?? {}, searchMapping);
  return { ...bound, search };
}

const NOTHING_BOUND = { bindings: [], boundChannels: [], boundFunctions: [] };

function readBindings(path: string, registry: Registry): Omit<ChannelFiles, 'search'> {
  const value = readYamlFile(path, BINDINGS_FILE);
  const parsed = parseBindings(value, path, registry);
  const boundFunctions = parsed.map(({ handler }, index) => {
    if (handler.kind === 'lambda') return handler.functionName;
    const problem = 'is a module, which runs on one machine only';
    throw propsError(`bindings[${index}].handler`, problem, 'Bind a Lambda function.');
  });
  const { bindings } = z.object({ bindings: z.array(z.unknown()) }).parse(value);
  return { bindings, boundChannels: parsed.map(channelNameOf), boundFunctions };
}

const withTimeout = z.object({ stream: z.string(), timeoutMs: z.number().optional() });

/** A handler that takes longer than a drain lasts is never answered in time, and its entries end as dead letters. */
export function warnOfLongHandlers(
  scope: Construct,
  bindings: readonly unknown[],
  budgetSeconds: number,
): void {
  for (const [index, binding] of bindings.entries()) {
    const { stream, timeoutMs = 0 } = withTimeout.parse(binding);
    if (timeoutMs < budgetSeconds * 1000) continue;
    Annotations.of(scope).addWarningV2(
      `background-consumer:long-handler-${stream}-${index}`,
      `bindings[${index}].timeoutMs: is ${timeoutMs}, but a drain ends after budgetSeconds ${budgetSeconds}: an invocation that takes longer counts as an attempt without an answer. Raise budgetSeconds.`,
    );
  }
}

/** Lambda takes a name or an ARN, and `123456789012:function:name` for one of another account. */
export function functionArn(stack: Stack, nameOrArn: string): string {
  if (nameOrArn.startsWith('arn:')) return nameOrArn;
  const [, account, name = nameOrArn] = /^(\d{12}):function:(.+)$/.exec(nameOrArn) ?? [];
  return stack.formatArn({
    service: 'lambda',
    resource: 'function',
    resourceName: name,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    ...(account === undefined ? {} : { account }),
  });
}
