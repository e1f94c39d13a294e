import { Match, Template } from 'aws-cdk-lib/assertions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { METRIC_NAMESPACE } from '../../functions/poller/aws/metrics.ts';
import { createChannels } from '../../functions/poller/channels/channels.ts';
import { ALARM_NAMES } from '../../infra/constructs/alarm-names.ts';
import { BackgroundConsumer } from '../../infra/constructs/background-consumer.ts';
import { CHANNEL_NAMES, consumerMetric } from '../../infra/constructs/metrics.ts';
import { createStack, REGISTRY, synthesize, writeFile } from './infra-synthesize.ts';

describe('The alarms', () => {
  test('explain themselves, link to the runbook, and notify the topic', () => {
    const template = synthesize((stack) => ({ alarmTopic: new Topic(stack, 'Topic') }));
    template.resourceCountIs('AWS::CloudWatch::Alarm', ALARM_NAMES.length);
    template.allResourcesProperties('AWS::CloudWatch::Alarm', {
      AlarmDescription: Match.stringLikeRegexp('^.{80,}docs/runbook.md'),
      AlarmActions: Match.anyValue(),
      OKActions: Match.anyValue(),
    });
  });

  test('can be declined one by one, with a reason', () => {
    const declinedAlarms = { budgetUsedUp: 'we drain at night only' };
    synthesize(() => ({ declinedAlarms })).resourceCountIs('AWS::CloudWatch::Alarm', ALARM_NAMES.length - 1);
    expect(() => synthesize(() => ({ declinedAlarms: { budgetUsedUp: '' } }))).toThrow(
      'declinedAlarms.budgetUsedUp',
    );
  });

  test('watch the metrics that the poller publishes', () => {
    const channels = createChannels({
      allowedStatements: [],
      search: {},
      absentGroups: 'hold',
      requestsCollections: true,
      ownStreams: [],
    });
    expect(CHANNEL_NAMES).toEqual(channels.map(({ name }) => name));
    const metric = consumerMetric({ serviceName: 'a', name: 'b', statistic: 'Sum' });
    expect(metric.namespace).toBe(METRIC_NAMESPACE);
  });

  test('evaluate periods that are at least as long as a run', () => {
    const periods = (settings: object) =>
      metricsOfAlarms(
        synthesize(() => settings),
        'BudgetUsedUp',
      ).map(({ Period }) => Period);
    expect(periods({})).toEqual([60]);
    expect(periods({ budgetSeconds: 800 })).toEqual([840]);
    expect(periods({ scheduleMinutes: 30 })).toEqual([1800]);
  });

  test('do not miss invocations while the single run of a reserved poller lasts', () => {
    const periods = (settings: object) =>
      metricsOfAlarms(
        synthesize(() => settings),
        'Invocations',
      ).map(({ Period }) => Period);
    expect(periods({ budgetSeconds: 800 })).toEqual([60]);
    expect(periods({ budgetSeconds: 800, reservePoller: true })).toEqual([840]);
  });

  test('do not share metrics with another consumer in the same stack', () => {
    const { stack } = createStack();
    new BackgroundConsumer(stack, 'Second', { registry: writeFile(REGISTRY) });
    const metrics = metricsOfAlarms(Template.fromStack(stack), 'OldestEntryAge');
    const services = metrics.map(({ Metric }) => Metric.Dimensions[0]?.Value);
    expect(services).toEqual(['Test-Consumer', 'Test-Second']);
  });

  test('treat missing data as a poller that is not running', () => {
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
