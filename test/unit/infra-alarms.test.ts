import { Match, Template } from 'aws-cdk-lib/assertions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { METRIC_NAMESPACE } from '../../functions/poller/aws/metrics.ts';
import { CHANNELS } from '../../functions/poller/channels/channels.ts';
import { ALARM_NAMES } from '../../infra/constructs/alarm-names.ts';
import { BackgroundConsumer } from '../../infra/constructs/background-consumer.ts';
import { CHANNEL_NAMES, consumerMetric } from '../../infra/constructs/metrics.ts';
import { makeStack, REGISTRY, synthesize, writeFile } from './infra-synthesize.ts';

describe('alarms', () => {
  test('say what they mean and where the runbook is, and tell the topic', () => {
    const template = synthesize((stack) => ({ alarmTopic: new Topic(stack, 'Topic') }));
    template.resourceCountIs('AWS::CloudWatch::Alarm', ALARM_NAMES.length);
    template.allResourcesProperties('AWS::CloudWatch::Alarm', {
      AlarmDescription: Match.stringLikeRegexp('^.{80,}docs/runbook.md'),
      AlarmActions: Match.anyValue(),
      OKActions: Match.anyValue(),
    });
  });

  test('can be declined one by one, in writing', () => {
    const declined = { budgetUsedUp: 'we drain at night only' };
    synthesize(() => ({ declinedAlarms: declined })).resourceCountIs(
      'AWS::CloudWatch::Alarm',
      ALARM_NAMES.length - 1,
    );
    expect(() => synthesize(() => ({ declinedAlarms: { budgetUsedUp: '' } }))).toThrow(
      'declinedAlarms.budgetUsedUp',
    );
  });

  test('watch the metrics that the poller writes', () => {
    expect(CHANNEL_NAMES).toEqual(CHANNELS.map(({ name }) => name));
    const metric = consumerMetric({ serviceName: 'a', name: 'b', statistic: 'Sum' });
    expect(metric.namespace).toBe(METRIC_NAMESPACE);
  });

  test('look at whole runs, however long these may be', () => {
    const period = (settings: object) =>
      metricsOfAlarms(
        synthesize(() => settings),
        'BudgetUsedUp',
      ).map(({ Period }) => Period);
    expect(period({})).toEqual([60]);
    expect(period({ budgetSeconds: 800 })).toEqual([840]);
    expect(period({ scheduleMinutes: 30 })).toEqual([1800]);
  });

  test('don’t miss invocations while the one run that a reserved poller may do lasts', () => {
    const period = (settings: object) =>
      metricsOfAlarms(
        synthesize(() => settings),
        'Invocations',
      ).map(({ Period }) => Period);
    expect(period({ budgetSeconds: 800 })).toEqual([60]);
    expect(period({ budgetSeconds: 800, reservePoller: true })).toEqual([840]);
  });

  test('are not those of another consumer in the same stack', () => {
    const { stack } = makeStack();
    new BackgroundConsumer(stack, 'Second', { registry: writeFile(REGISTRY) });
    const metrics = metricsOfAlarms(Template.fromStack(stack), 'OldestEntryAge');
    const services = metrics.map(({ Metric }) => Metric.Dimensions[0]?.Value);
    expect(services).toEqual(['Test-Consumer', 'Test-Second']);
  });

  test('take a poller that is not running for an alarm when there is no data', () => {
    synthesize().hasResourceProperties('AWS::CloudWatch::Alarm', { TreatMissingData: 'breaching' });
  });
});

const alarmSchema = z.object({
  Properties: z.object({
    Metrics: z
      .array(
        z.object({
          MetricStat: z
            .object({
              Period: z.number(),
              Metric: z.object({
                MetricName: z.string(),
                Dimensions: z.array(z.object({ Value: z.unknown() })),
              }),
            })
            .optional(),
        }),
      )
      .default([]),
  }),
});

function metricsOfAlarms(template: Template, name: string) {
  return Object.values(template.findResources('AWS::CloudWatch::Alarm'))
    .flatMap((alarm) => alarmSchema.parse(alarm).Properties.Metrics)
    .flatMap(({ MetricStat }) => (MetricStat?.Metric.MetricName === name ? [MetricStat] : []));
}
