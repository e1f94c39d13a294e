import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { onTestFinished } from 'vitest';
import { BackgroundConsumer } from '../../infra/constructs/background-consumer.ts';
import type { BackgroundConsumerProps } from '../../infra/constructs/props.ts';

/** A registry with a password in no place. */
export const REGISTRY = `
default:
  mysql: app@tcp(mysql.example.com:3306)/app?tls=true
  redis: redis.example.com:6379:0
  streams: { orders: [billing, orm-async-consumer] }
log:
  mysql: app@tcp(mysql.example.com:3306)/log
streams:
  redis: streams.example.com:6380:1:shop
`;

export type PropsMaker = (stack: Stack) => Omit<BackgroundConsumerProps, 'registry'>;

/** Removed with the test. */
export function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'consumer-infra-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Removed with the test. */
export function writeFile(text: string): string {
  const path = join(makeDirectory(), 'file.yaml');
  writeFileSync(path, text);
  return path;
}

/** A stack around one consumer. Functions are not bundled unless it is asked for: nobody looks at their code here. */
export function makeStack(props: PropsMaker = () => ({}), registry = REGISTRY, isBundled = false) {
  const context = isBundled ? {} : { 'aws:cdk:bundling-stacks': [] };
  const app = new App({ context, analyticsReporting: false, outdir: makeDirectory() });
  const stack = new Stack(app, 'Test');
  const consumer = new BackgroundConsumer(stack, 'Consumer', {
    registry: writeFile(registry),
    ...props(stack),
  });
  return { app, stack, consumer };
}

export function synthesize(props?: PropsMaker, registry?: string): Template {
  return Template.fromStack(makeStack(props, registry).stack);
}

/** The configuration that a function finds, as text; what CloudFormation fills in is left out. */
export function configurationOf(template: Template, handler: 'poller' | 'executor'): string {
  const word = handler === 'poller' ? 'Drains' : 'Runs';
  const [found] = Object.values(
    template.findResources('AWS::Lambda::Function', {
      Properties: { Description: Match.stringLikeRegexp(word) },
    }),
  );
  return JSON.stringify(found?.['Properties'].Environment.Variables.CONSUMER_CONFIGURATION);
}
