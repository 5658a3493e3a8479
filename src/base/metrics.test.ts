import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Metrics } from './metrics.ts';

describe('metrics as text', () => {
  it('a histogram counts what is below each bound, by labels', () => {
    const metrics = new Metrics();
    const histogram = metrics.histogram({
      name: 'op_seconds',
      help: 'How long',
      labels: ['code'],
      buckets: [0.1, 1],
    });
    histogram.observe(0.1, ['OK']);
    histogram.observe(0.5, ['OK']);
    histogram.observe(7, ['Internal']);
    assert.equal(
      metrics.text(),
      [
        '# HELP op_seconds How long',
        '# TYPE op_seconds histogram',
        'op_seconds_bucket{code="OK",le="0.1"} 1',
        'op_seconds_bucket{code="OK",le="1"} 2',
        'op_seconds_bucket{code="OK",le="+Inf"} 2',
        'op_seconds_sum{code="OK"} 0.6',
        'op_seconds_count{code="OK"} 2',
        'op_seconds_bucket{code="Internal",le="0.1"} 0',
        'op_seconds_bucket{code="Internal",le="1"} 0',
        'op_seconds_bucket{code="Internal",le="+Inf"} 1',
        'op_seconds_sum{code="Internal"} 7',
        'op_seconds_count{code="Internal"} 1',
        '',
      ].join('\n'),
    );
  });

  it('counters and gauges, sorted by name; what has no value is not there; special characters are escaped', () => {
    const metrics = new Metrics();
    const counter = metrics.counter({ name: 'b_total', help: 'a\\b\nc', labels: ['what'] });
    metrics.counter({ name: 'never_total', help: 'x' });
    metrics.gauge({ name: 'a', help: 'now' }, () => [[[], 3]]);
    counter.add(['"\\\n']);
    counter.add(['"\\\n'], 2);
    assert.equal(
      metrics.text(),
      '# HELP a now\n# TYPE a gauge\na 3\n# HELP b_total a\\\\b\\nc\n# TYPE b_total counter\nb_total{what="\\"\\\\\\n"} 3\n',
    );
  });
});
